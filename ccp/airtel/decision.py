# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl-3.0).
"""A routing decision, stored like a report: whom Odoo's answer put a call through to.

Anybody can post something that looks like a decision, so a post is never one: whoever stores a
decision says that it is one.
"""

import re
from datetime import datetime

from ..safe.number import last10, last10_of_caller
from .fields import Fields
from .parsed import Decided

_ID = re.compile(r"[0-9a-f]{32}")
_MAX_RING = 20
_MAX_CODE = 64
_KEYS = frozenset("0123456789*#")


def is_decision(data) -> bool:
    """Return whether a parsed JSON value has the form of a decision.

    :param data: the parsed value
    """
    if not isinstance(data, dict):
        return False
    mark, identifier = data.get("decision"), data.get("id")
    return (
        mark == 1
        and isinstance(mark, int)
        and not isinstance(mark, bool)
        and isinstance(identifier, str)
        and _ID.fullmatch(identifier) is not None
    )


def read(data: dict, received_at: datetime) -> Decided:
    """Read a decision, whatever its values.

    :param data: what ``is_decision`` accepts
    :param received_at: when it was stored, in UTC; times far from it are ignored
    """
    fields = Fields(data, received_at)
    digit = fields.text("digit", limit=1)
    ring = [each.text("number") for each in fields.objects("ring", limit=_MAX_RING)]
    agents = filter(None, map(last10, [*ring, fields.text("desk")]))
    return Decided(
        received_at=received_at,
        decision_id=data["id"],
        at=fields.moment("at"),
        customer=last10_of_caller(fields.text("customer")),
        airtel_number=last10(fields.text("airtelnumber")),
        digit=digit if digit in _KEYS else "",
        agents=tuple(dict.fromkeys(agents)),
        reason=fields.text("reason", limit=_MAX_CODE),
    )
