# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl-3.0).
"""The data classes of a report that ``reports`` has parsed."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from . import vocabulary

# Equality ignores ``received_at``, so a report that is delivered twice equals itself;
# ``not_understood``, which has no effect on the call; and ``abroad``, because the phones of an
# outgoing call are the dialled ones in any spelling.


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something happened on one leg, or on none (section 3). Times are aware, in UTC."""

    kind: ClassVar[str] = "event"
    received_at: datetime = field(compare=False)
    event_type: str = ""
    """CALL, MEDIA, DTMF, RECORD, SESSION, ERROR, ... in capitals."""
    event: str = ""
    """``answer``, ``callednumber``, ``removed``, ...: lower case, no blanks, no underscores."""
    address: str = field(default="", repr=False)
    """Last ten digits of the participant's number."""
    participant_name: str = ""
    component: str = ""
    """Id of the request's component, if the report names it."""
    at: datetime | None = None
    """``None`` if it is missing or implausible."""
    cause_code: int | None = None
    """Q.850, 1 to 127."""
    sip_code: int | None = None
    """400 to 699; 699 is Airtel's own for normal clearing."""
    cause_text: str = ""
    digits: str = field(default="", repr=False)
    """Keys that were pressed (DTMF)."""
    session_id: str = ""
    correlation_id: str = ""
    event_id: str = ""
    direction: str = ""
    """``inbound``, ``outbound`` or "" if the event does not say."""
    airtel_number: str = field(default="", repr=False)
    """Last ten digits of the Airtel number that was called; only incoming calls name it."""
    shown: str = field(default="", repr=False)
    """Last ten digits of the number that the participant's phone shows."""
    abroad: frozenset[str] = field(default=frozenset(), compare=False, repr=False)
    """Those of these numbers that are not written as Indian ones."""
    not_understood: tuple[str, ...] = field(default=(), compare=False)
    """Names, as spelled, of fields whose name or value is not understood."""


@dataclass(frozen=True, kw_only=True)
class ApiResult:
    """The result of one of the flow's own commands."""

    kind: ClassVar[str] = "api_result"
    received_at: datetime = field(compare=False)
    request_type: str = ""
    ok: bool = False
    message: str = ""
    session_id: str = ""
    correlation_id: str = ""
    not_understood: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True, kw_only=True)
class CdrLeg:
    """One participant in a CDR. Times are aware, in UTC."""

    side: str | None = None
    """``from``, ``to``, or ``None`` if the CDR does not say. ``vocabulary.who`` names the party."""
    address: str = field(default="", repr=False)
    """Last ten digits."""
    name: str = ""
    status: str = ""
    """Lower case, no blanks, no underscores."""
    started_at: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    talk_seconds: int | None = None
    ring_seconds: int | None = None
    cause_code: int | None = None
    sip_code: int | None = None
    cause_text: str = ""
    operator: str = ""
    circle: str = ""
    pulses: int | None = None


@dataclass(frozen=True, kw_only=True)
class Cdr:
    """Call Data Record, after the call (section 1.1). Times are aware, in UTC."""

    kind: ClassVar[str] = "cdr"
    received_at: datetime = field(compare=False)
    direction: str = ""
    """``inbound``, ``outbound`` or "" if the CDR does not say."""
    airtel_number: str = field(default="", repr=False)
    """The Airtel number that the customer called or saw, its last ten digits."""
    session_id: str = ""
    correlation_id: str = ""
    overall_status: str = ""
    """Lower case, no blanks, no underscores."""
    legs: tuple[CdrLeg, ...] = ()
    """Participants as listed, then those of the ``Caller_*`` and ``Destination_*`` fields."""
    started_at: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    talk_seconds: int | None = None
    total_seconds: int | None = None
    billable_seconds: int | None = None
    recording_url: str = field(default="", repr=False)
    """Exactly as received; anybody who has it can listen."""
    hangup_cause: str = ""
    pulses: int | None = None
    events: tuple[Event, ...] = ()
    destination: str = field(default="", repr=False)
    """Last ten digits of the ``Destination_Number``: whom the call reached or tried last."""
    shown: str = field(default="", repr=False)
    """Last ten digits of the number that the destination's phone showed."""
    missed_numbers: tuple[str, ...] = field(default=(), repr=False)
    """10 digits each: the members of a ring group who did not pick up."""
    keys: str = field(default="", repr=False)
    """The keys pressed in the menu: ``1 | 3`` becomes 13."""
    abroad: frozenset[str] = field(default=frozenset(), compare=False, repr=False)
    """Those of these numbers that are not written as Indian ones."""
    not_understood: tuple[str, ...] = field(default=(), compare=False)

    def who(self, leg: CdrLeg) -> str | None:
        """Return ``agent`` or ``customer``, by the leg's side and the CDR's direction."""
        return vocabulary.who(leg.side, self.direction == "inbound")


@dataclass(frozen=True, kw_only=True)
class Unreadable:
    """A body that could not be read."""

    kind: ClassVar[str] = "unreadable"
    received_at: datetime = field(compare=False)
    reason: str = ""
    """``empty``, ``json``, ``not_object`` or ``shape``."""
    not_understood: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True, kw_only=True)
class Decided:
    """Odoo's answer to Airtel's question whom to put a call through to, see ``decision``."""

    kind: ClassVar[str] = "decision"
    received_at: datetime = field(compare=False)
    decision_id: str = ""
    at: datetime | None = None
    """Aware, in UTC; ``None`` if it is missing or implausible."""
    customer: str = field(default="", repr=False)
    """Last ten digits, "" if the number is withheld or foreign."""
    airtel_number: str = field(default="", repr=False)
    """Last ten digits of the Airtel number that the customer called."""
    digit: str = ""
    """The key that the customer pressed in Airtel's menu."""
    agents: tuple[str, ...] = field(default=(), repr=False)
    """Last ten digits of each phone that may ring, in order; the desk's comes last."""
    reason: str = ""
    """The code of why these agents are rung."""
    not_understood: tuple[str, ...] = field(default=(), compare=False)


Report = Event | ApiResult | Cdr | Unreadable | Decided
