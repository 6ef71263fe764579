"""What a part of the benchmark hands back, and the table made from it.

A part is a module in ``devtools/bench/`` with one function::

    def run(stack: Stack, quick: bool) -> list[Figure]

``stack`` (see ``stack.py``) has the database and starts Odoo; ``quick`` asks for a run of about a
minute. ``make bench`` runs each part in ``devtools.bench.PARTS``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from ..machine.progress import columns

HEADINGS = ("part", "what", "goal", "measured", "")
NO_GOAL = "-"


@dataclass(frozen=True)
class Figure:
    """One measured figure.

    :param name: what was measured, in plain words.
    :param value: the measured value; None if it could not be measured, which ``note`` explains.
    :param unit: ``times``, ``ms``, ``s``, ``reports/s``, ``MB``, ``%``, or empty for a plain count.
    :param limit: the goal as a number; None for a figure without a goal, which only explains.
    :param at_least: whether the value should be at least the limit, rather than at most.
    :param note: how it was measured, or what it depends on, in a few words.
    """

    name: str
    value: float | None
    unit: str = ""
    limit: float | None = None
    at_least: bool = False
    note: str = ""

    @property
    def goal(self) -> str:
        """The goal in words, a dash if there is none."""
        if self.limit is None:
            return NO_GOAL
        word = "at least" if self.at_least else "at most"
        return f"{word} {self._with_unit(self.limit)}"

    @property
    def measured(self) -> str:
        """The measured value in words."""
        return "not measured" if self.value is None else self._with_unit(self.value)

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None without a goal. Not measured counts as not met."""
        if self.limit is None:
            return None
        if self.value is None:
            return False
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    def _with_unit(self, value: float) -> str:
        return f"{readable(value)} {self.unit}".strip()

    def as_dict(self) -> dict:
        """Return the figure for ``results.json``."""
        return {**asdict(self), "goal": self.goal, "met": self.met}

    @classmethod
    def from_dict(cls, values: dict) -> Figure:
        """Return a figure from the result of ``as_dict``."""
        return cls(**{key: each for key, each in values.items() if key not in ("goal", "met")})


def readable(value: float) -> str:
    """Return a number with three significant digits and commas between thousands."""
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def verdict(figure: Figure) -> str:
    """Return one word on whether a figure meets its goal, "" without a goal."""
    return {True: "met", False: "MISSED", None: ""}[figure.met]


def rows(figures: Iterable[tuple[str, Figure]]) -> list[tuple[str, ...]]:
    """Return the table's rows, of pairs of a part's name and a figure."""
    return [(part, each.name, each.goal, each.measured, verdict(each)) for part, each in figures]


def plain_table(figures: Iterable[tuple[str, Figure]]) -> str:
    """Return the table for a terminal."""
    return columns([HEADINGS, *rows(figures)])


def markdown_table(figures: Iterable[tuple[str, Figure]]) -> str:
    """Return the table for ``docs/benchmarks.md``."""
    lines = [HEADINGS, ("---",) * len(HEADINGS), *rows(figures)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
