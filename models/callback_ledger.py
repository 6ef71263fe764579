"""Which call-backs follow from the calls with one number: a pure function of them.

A customer whose call nobody took is owed one answer, however often the number calls. The answer
is a conversation that began after the last missed call. A call that is missed less than a day
after the answer (or after somebody gave the call-back up) opens the same call-back again.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

REOPENED_WITHIN = timedelta(days=1)

OPEN = "open"
DONE = "done"
DROPPED = "dropped"


class Miss(NamedTuple):
    """A call of the customer that nobody took."""

    at: datetime
    """When it began."""
    call_id: int
    times: int = 1
    """How many calls it stands for."""


class Talk(NamedTuple):
    """A call in which somebody talked with the customer, whoever placed it."""

    at: datetime
    """When it began."""
    call_id: int
    until: datetime
    """When it ended."""


class Drop(NamedTuple):
    """Somebody gave up the call-back that was open at that moment."""

    at: datetime


@dataclass
class Promise:
    """One call-back, derived from the calls."""

    misses: list[Miss] = field(default_factory=list)
    opened: datetime | None = None
    """The first missed call since it was last opened."""
    state: str = OPEN
    proof: Talk | None = None
    closed: datetime | None = None

    @property
    def attempts(self) -> int:
        """How many calls of this customer were missed."""
        return sum(miss.times for miss in self.misses)

    @property
    def first(self) -> datetime:
        """When the first missed call began."""
        return self.misses[0].at

    @property
    def last(self) -> datetime:
        """When the last missed call began."""
        return self.misses[-1].at

    def take(self, miss: Miss) -> None:
        """Count a missed call; it opens a closed call-back again."""
        if self.state != OPEN or not self.misses:
            self.state, self.opened, self.proof, self.closed = OPEN, miss.at, None, None
        self.misses.append(miss)

    def close(self, event: Talk | Drop) -> None:
        """Close the call-back with a conversation, or because somebody gave it up."""
        is_talk = isinstance(event, Talk)
        self.state = DONE if is_talk else DROPPED
        self.proof = event if is_talk else None
        self.closed = event.until if is_talk else event.at


def promises(events: Iterable[Miss | Talk | Drop]) -> list[Promise]:
    """Return the call-backs of one number, the oldest first.

    :param events: all that happened with the number, in any order
    """
    found: list[Promise] = []
    for event in sorted(events, key=_order):
        last = found[-1] if found else None
        if isinstance(event, Miss):
            if last is None or (last.closed and event.at - last.closed >= REOPENED_WITHIN):
                last = Promise()
                found.append(last)
            last.take(event)
        elif last is not None and last.state == OPEN:
            last.close(event)
    return found


def _order(event: Miss | Talk | Drop) -> tuple:
    # A conversation and a missed call that began in the same second: the conversation is no
    # answer. A call-back that was given up in that second: whoever did it knew of the call.
    rank = (Talk, Miss, Drop).index(type(event))
    return event.at, rank, getattr(event, "call_id", 0)
