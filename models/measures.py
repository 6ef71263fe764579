"""The one table of measures: how calls add up to the figures of reports.

A *part* is what one call adds to a sum. A *measure* is a sum of a part, or one sum divided by
another. Reports on calls and on daily sums, the dashboard and the weekly mail all take their
formulas from here; ``docs/measures.md`` explains each, and a test compares the two.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from ..ccp.call import states

ATTEMPT = [("attempts", "=", 1)]
ENDED = [*ATTEMPT, ("result", "!=", False)]
NOT_MISSED = [*ENDED, ("agent_failures", "=", 0)]
REACHED = [("reached", "=", 1)]
MISSED = [("agent_failures", "=", 1)]
INCOMING = [("incoming", "=", 1)]
ANSWERED = [("incoming_answered", "=", 1)]
PICKED_UP = [
    *ATTEMPT,
    ("agent_ring_seconds", ">", 0),
    "|",
    ("agent_answer_date", "!=", False),
    ("result", "in", states.PICKED_UP_RESULTS),
]

# Ringing times are measured for outgoing calls, and for imported calls of both directions, because
# they always included these
_PLACED = "({direction} = 'outbound' OR {imported} IS TRUE)"
_PICKED_UP = (
    f"{_PLACED} AND {{agent_ring_seconds}} > 0"
    f" AND ({{agent_answer_date}} IS NOT NULL OR {{result}} IN {states.PICKED_UP_RESULTS})"
)
_TALKED = "{result} = 'connected' AND {talk_unknown} IS NOT TRUE"
# What one call adds, an integer in SQL; the call's columns are in braces
PARTS = {
    "calls": "1",
    "attempts": "{attempts}",
    "reached": "{reached}",
    "agent_failures": "{agent_failures}",
    "ended": "CASE WHEN {result} IS NOT NULL THEN {attempts} END",
    "ended_not_missed": "CASE WHEN {result} IS NOT NULL THEN {attempts} - {agent_failures} END",
    "no_outcome": "CASE WHEN {outcome_id} IS NULL THEN {reached} END",
    "talk_seconds": "{talk_seconds}",
    "talk_known": "({talk_seconds} IS NOT NULL)::int",
    "connected_talk": f"CASE WHEN {_TALKED} THEN {{talk_seconds}} END",
    "connected_known": f"({_TALKED} AND {{talk_seconds}} IS NOT NULL)::int",
    "agent_ring": f"CASE WHEN {_PICKED_UP} THEN {{agent_ring_seconds}} END",
    "agent_ring_known": f"({_PICKED_UP})::int",
    "customer_ring": f"CASE WHEN {_PLACED} THEN GREATEST({{customer_ring_seconds}}, 0) END",
    "customer_ring_known": f"({_PLACED} AND {{customer_ring_seconds}} > 0)::int",
    "until_reached": "GREATEST({attempts_until_reached}, 0)",
    "until_reached_known": "({attempts_until_reached} > 0)::int",
    "to_dial": "CASE WHEN {first_dial} THEN round({speed_to_dial})::int END",
    "to_dial_known": "({first_dial} AND {speed_to_dial} IS NOT NULL)::int",
    "to_connect": "CASE WHEN {first_connect} THEN round({speed_to_connect})::int END",
    "to_connect_known": "({first_connect} AND {speed_to_connect} IS NOT NULL)::int",
    "incoming": "{incoming}",
    "incoming_answered": "{incoming_answered}",
    "incoming_missed": "{incoming_missed}",
    "incoming_abandoned": "{incoming_abandoned}",
    "to_answer": "CASE WHEN {incoming_answered} = 1 THEN {answer_seconds} END",
    "to_answer_known": "({incoming_answered} = 1 AND {answer_date} IS NOT NULL)::int",
}
PLACEHOLDER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Measure:
    """One measure: the sum of a part, or a sum divided by the sum of another part.

    :param part: a name of ``PARTS``
    :param whole: the part to divide by; without it the measure is a sum
    :param factor: multiplies the quotient
    :param known: the part that counts known values; if it adds up to 0, the sum is empty
    :param unit: the unit in ``docs/measures.md``
    :param behind: the domain of the calls behind the figure
    :param count: the part that counts the calls behind the figure
    """

    part: str
    whole: str | None = None
    factor: int = 1
    known: str | None = None
    unit: str = "calls"
    behind: tuple = ()
    count: str | None = None

    @property
    def aggregator(self) -> str:
        """The aggregator of the measure's field, such as ``avg``."""
        return "avg" if self.whole else "sum"

    @property
    def kind(self) -> str:
        """How the dashboard shows it: ``number``, ``percent`` or ``seconds``."""
        return self.unit if self.unit in ("percent", "seconds") else "number"

    @property
    def formula(self) -> str:
        """The formula in the notation of the documentation."""
        if not self.whole:
            return self.part
        factor = f"{self.factor} × " if self.factor != 1 else ""
        return f"{factor}{self.part} / {self.whole}"

    def sql(self, column: Callable[[str], str]) -> str:
        """Return the aggregate in SQL.

        :param column: returns the SQL of a part's value in one row
        """
        total = f"SUM({column(self.part)})"
        if self.whole:
            return f"{self.factor}.0 * {total} / NULLIF(SUM({column(self.whole)}), 0)"
        if self.known:
            return f"(CASE WHEN SUM({column(self.known)}) > 0 THEN {total} END)::bigint"
        return f"{total}::bigint"

    def value(self, sums: Mapping[str, int]) -> float | None:
        """Return the figure; None if there is nothing to divide by.

        :param sums: the sums of all parts
        """
        if not self.whole:
            return sums[self.part]
        return self.factor * sums[self.part] / sums[self.whole] if sums[self.whole] else None

    def behind_count(self, sums: Mapping[str, int]) -> int:
        """Return how many calls are behind the figure.

        :param sums: the sums of all parts
        """
        return sums[self.count or self.whole or self.part]


# By the name of the field of ``ccp.call``
MEASURES = {
    "attempts": Measure("attempts", behind=tuple(ATTEMPT)),
    "reached": Measure("reached", behind=tuple(REACHED)),
    "agent_failures": Measure("agent_failures", behind=tuple(MISSED)),
    "connect_rate": Measure("reached", "ended", 100, unit="percent", behind=tuple(ENDED)),
    "customer_connect_rate": Measure(
        "reached", "ended_not_missed", 100, unit="percent", behind=tuple(NOT_MISSED)
    ),
    "talk_seconds": Measure(
        "talk_seconds", known="talk_known", unit="seconds", behind=tuple(REACHED), count="reached"
    ),
    "average_talk_seconds": Measure(
        "connected_talk",
        "connected_known",
        unit="seconds",
        behind=tuple(REACHED),
        count="reached",
    ),
    "agent_ring_seconds": Measure(
        "agent_ring", "agent_ring_known", unit="seconds", behind=tuple(PICKED_UP)
    ),
    "customer_ring_seconds": Measure("customer_ring", "customer_ring_known", unit="seconds"),
    "attempts_until_reached": Measure("until_reached", "until_reached_known", unit="attempts"),
    "speed_to_dial": Measure("to_dial", "to_dial_known", unit="seconds"),
    "speed_to_connect": Measure("to_connect", "to_connect_known", unit="seconds"),
    "incoming": Measure("incoming", behind=tuple(INCOMING)),
    "incoming_answered": Measure("incoming_answered", behind=tuple(ANSWERED)),
    "incoming_missed": Measure("incoming_missed", behind=(("incoming_missed", "=", 1),)),
    "incoming_abandoned": Measure("incoming_abandoned", behind=(("incoming_abandoned", "=", 1),)),
    "answer_seconds": Measure(
        "to_answer", "to_answer_known", unit="seconds", behind=tuple(ANSWERED)
    ),
}
NO_OUTCOME = Measure("no_outcome", behind=(*REACHED, ("outcome_id", "=", False)))
# The dashboard's tiles, in their order
TILES = {
    "attempts": MEASURES["attempts"],
    "reached": MEASURES["reached"],
    "connect_rate": MEASURES["connect_rate"],
    "customer_connect_rate": MEASURES["customer_connect_rate"],
    "talk": MEASURES["talk_seconds"],
    "average_talk": MEASURES["average_talk_seconds"],
    "agent_ring": MEASURES["agent_ring_seconds"],
    "missed": MEASURES["agent_failures"],
    "no_outcome": NO_OUTCOME,
}
# The measure behind each aggregate in the ORM's notation, such as talk_seconds:sum
AGGREGATES = {f"{name}:{measure.aggregator}": measure for name, measure in MEASURES.items()}


def part_template(name: str) -> str:
    """Return SQL for what one call adds, never NULL; the columns are in braces.

    :param name: a part
    """
    return f"COALESCE({PARTS[name]}, 0)"


def part_sql(name: str, alias: str) -> str:
    """Return SQL for what one call adds.

    :param name: a part
    :param alias: the alias of the call's row
    """
    return PLACEHOLDER.sub(rf"{alias}.\1", part_template(name))


def columns() -> list[str]:
    """Return the columns of a call that any part reads, sorted."""
    return sorted({name for part in PARTS.values() for name in PLACEHOLDER.findall(part)})


def add(rows: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Return the sums of all parts over rows that hold such sums.

    :param rows: dicts with a number for each part
    """
    rows = list(rows)
    return {name: sum(row[name] for row in rows) for name in PARTS}
