# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl-3.0).
"""Who the parties of a call are: the snapshot with which its reports are read.

For an outgoing call Odoo told Airtel whom to dial, under names of its own. In an incoming call only
numbers show who is who: the customer's and the Airtel number are known, and any other number is an
agent's. Airtel sometimes exchanges its fields for caller and destination, and those for a phone's
own number and the number it shows.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace

from ..airtel import const, vocabulary
from ..airtel.parsed import Cdr, Event, Report
from ..safe.number import last10

AGENT = vocabulary.AGENT
CUSTOMER = vocabulary.CUSTOMER

WHOLE = 10
"""The number of digits of a complete number in reports."""
_SHORTEST = 7
_INDIA = "0091"
OF_A_DIALLED_PHONE = (vocabulary.DIALLED, vocabulary.RINGING, *vocabulary.UNANSWERED_ENDS)
"""Events of a phone that Airtel dials, which a calling customer's phone never has."""


def is_same_number(one: str, other: str) -> bool:
    """Return whether two texts are the same number; one may have a trunk zero or India's code.

    Comparing the last ten digits is not enough, because toll-free numbers have 8 to 11 digits.
    """
    short, long = sorted((last10(one), last10(other)), key=len)
    if short == long:
        return bool(short)
    before = long[: len(long) - len(short)]
    return (
        len(short) >= _SHORTEST
        and long.endswith(short)
        and (before == "0" or _INDIA.endswith(before))
    )


def without_abroad(report: Report, is_airtel: Callable[[str], bool]) -> Report:
    """Return a report of an incoming call in which callers from abroad have no number.

    Only the company's phones and the Airtel number are certainly Indian, and the last ten digits of
    a number abroad would be a stranger's number in India.

    :param is_airtel: returns whether a number is an Airtel number, in any spelling
    """
    if not isinstance(report, Event | Cdr):
        return report
    values = {}
    abroad = {each for each in report.abroad if not is_airtel(each)}
    if abroad:
        names = ("address", "airtel_number", "shown", "destination")
        values = {name: "" for name in names if getattr(report, name, "") in abroad}
    if isinstance(report, Cdr):
        if abroad:
            values["missed_numbers"] = tuple(
                each for each in report.missed_numbers if each not in abroad
            )
            values["legs"] = tuple(
                replace(leg, address="") if leg.address in abroad else leg for leg in report.legs
            )
        if any(event.abroad for event in report.events):
            values["events"] = tuple(without_abroad(event, is_airtel) for event in report.events)
    return replace(report, **values) if values else report


@dataclass(frozen=True)
class Dialled:
    """Whom the request asked Airtel to dial, which shows to which leg a report belongs.

    For an incoming call: who called, and whose phones may ring.
    """

    agent_numbers: tuple[str, ...] = field(repr=False)
    """10 digits each. For an incoming call, those known beforehand."""
    customer_numbers: tuple[str, ...] = field(repr=False)
    agent_name: str = "A"
    """The request's participantName."""
    customer_name: str = "B"
    agent_component: str = const.DEFAULT_INITIATE_ID
    customer_component: str = const.DEFAULT_ADD_ID
    incoming: bool = False
    """Whether the customer called."""

    @property
    def first(self) -> str:
        """The party that Airtel has on the phone first, ``AGENT`` or ``CUSTOMER``."""
        return vocabulary.who(vocabulary.FROM, self.incoming)

    @property
    def second(self) -> str:
        """The other party, whose answer connects the call."""
        return vocabulary.who(vocabulary.TO, self.incoming)

    def who(self, side: str | None) -> str | None:
        """Return the party on one of Airtel's sides, see ``vocabulary.who``."""
        return vocabulary.who(side, self.incoming)

    agent_pool: bool = False
    """Whether Airtel rings agents of a pool (``ROUND ROBIN``); only reports have their numbers."""
    airtel_number: str = field(default="", repr=False)
    """The number that the customer of an incoming call dialled, 10 digits or toll-free."""
    abandon_seconds: int = 5
    """A customer who hangs up within this many seconds was not missed."""

    def snapshot(self) -> dict:
        """Return all values in a form that JSON stores, for ``of_snapshot``."""
        return {
            each.name: list(value) if isinstance(value, tuple) else value
            for each in fields(self)
            for value in [getattr(self, each.name)]
        }

    @classmethod
    def of_snapshot(cls, snapshot: dict) -> "Dialled":
        """Return an object from the result of ``snapshot``.

        :param snapshot: keys that an older version did not have may be missing
        """
        values = {each.name: snapshot[each.name] for each in fields(cls) if each.name in snapshot}
        for name in ("agent_numbers", "customer_numbers"):
            values[name] = tuple(values.get(name, ()))
        return cls(**values)

    def knows(self, address: str) -> bool:
        """Return whether this number was dialled, or called."""
        return address in self.agent_numbers or address in self.customer_numbers

    def is_airtel(self, address: str) -> bool:
        """Return whether this is the Airtel number that an incoming call's customer dialled."""
        return self.incoming and is_same_number(address, self.airtel_number)

    def role(self, address: str, name: str = "", component: str = "") -> str | None:
        """Return the leg to which a report belongs: by number, then name, then component.

        A complete number that was not dialled belongs to no leg, even if the report names one; but
        if a pool rings, it is an agent's unless the report names the customer. In an incoming call
        the number alone decides.
        """
        if self.incoming:
            return self._role_of_number(address)
        is_strange = len(address) == WHOLE and not self.knows(address)
        if is_strange and not self.agent_pool:
            return None
        role = (
            _which(address in self.agent_numbers, address in self.customer_numbers)
            or _which(_same(name, self.agent_name), _same(name, self.customer_name))
            or _which(
                _same(component, self.agent_component), _same(component, self.customer_component)
            )
        )
        if is_strange:
            return None if role == CUSTOMER else AGENT
        return role

    def _role_of_number(self, address: str) -> str | None:
        # An agent who calls from one of the company's phones is that call's customer
        if address and address in self.customer_numbers:
            return CUSTOMER
        if self.is_airtel(address):
            return None
        return AGENT if address in self.agent_numbers or len(address) == WHOLE else None

    def role_of_event(self, event: Event) -> str | None:
        """Return which leg an event belongs to; see ``role``."""
        if self.incoming and not event.address and not any(self.customer_numbers):
            # Agents always have numbers: only a customer may withhold the number
            return CUSTOMER
        return self.role(event.address, event.participant_name, event.component)

    def turned(self, event: Event) -> Event:
        """Return an event whose address is the number of the party that it is about.

        An agent's phone shows the customer's number, so an event of an incoming call with both
        numbers is about the agent, whichever field has which number.
        """
        if self.incoming and event.shown and event.address and self._is_about_shown(event):
            return replace(event, address=event.shown, shown=event.address)
        return event

    def _is_about_shown(self, event: Event) -> bool:
        own, shown = self.role(event.address), self.role(event.shown)
        if shown != AGENT:
            return shown == CUSTOMER and own is None
        if own == AGENT:
            return event.shown in self.agent_numbers and event.address not in self.agent_numbers
        return (
            event.shown in self.agent_numbers
            or vocabulary.meaning(event.event) in OF_A_DIALLED_PHONE
        )


def _which(is_agent: bool, is_customer: bool) -> str | None:
    if is_agent == is_customer:
        return None
    return AGENT if is_agent else CUSTOMER


def _same(text: str, other: str | None) -> bool:
    return bool(text) and text.casefold() == (other or "").strip().casefold()
