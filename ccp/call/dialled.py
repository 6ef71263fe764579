# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl-3.0).
"""Whom a call is between: the snapshot by which its reports are read."""

from dataclasses import dataclass, field, fields

from ..airtel import const, vocabulary

AGENT = vocabulary.AGENT
CUSTOMER = vocabulary.CUSTOMER


@dataclass(frozen=True)
class Dialled:
    """Whom the request asked Airtel to dial, by which a report's leg is known."""

    agent_numbers: tuple[str, ...] = field(repr=False)
    """10 digits each."""
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
        """Return the party on a side of Airtel's, see ``vocabulary.who``."""
        return vocabulary.who(side, self.incoming)

    agent_pool: bool = False
    """Whether Airtel rings agents of a pool (``ROUND ROBIN``), whose numbers only reports name."""

    def snapshot(self) -> dict:
        """Return all of it as JSON holds it, for ``of_snapshot``."""
        return {
            each.name: list(value) if isinstance(value, tuple) else value
            for each in fields(self)
            for value in [getattr(self, each.name)]
        }

    @classmethod
    def of_snapshot(cls, snapshot: dict) -> "Dialled":
        """Return what was dialled from what ``snapshot`` returned.

        :param snapshot: keys that an older version did not know may be missing
        """
        values = {each.name: snapshot[each.name] for each in fields(cls) if each.name in snapshot}
        for name in ("agent_numbers", "customer_numbers"):
            values[name] = tuple(values.get(name, ()))
        return cls(**values)

    def knows(self, address: str) -> bool:
        """Whether this number was dialled."""
        return address in self.agent_numbers or address in self.customer_numbers

    def role(self, address: str, name: str, component: str = "") -> str | None:
        """Which leg a report belongs to: by number, then name, then component.

        A whole number that was not dialled belongs to no leg, even if the report names one; if a
        pool rings, it is an agent's unless the report names the customer.
        """
        is_strange = len(address) == 10 and not self.knows(address)
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


def _which(is_agent: bool, is_customer: bool) -> str | None:
    if is_agent == is_customer:
        return None
    return AGENT if is_agent else CUSTOMER


def _same(text: str, other: str | None) -> bool:
    return bool(text) and text.casefold() == (other or "").strip().casefold()
