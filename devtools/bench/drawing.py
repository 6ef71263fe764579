"""Draws the figures that compare ways to take a report, as SVG.

It has its own background, to be readable on light and dark pages, even if the page does not follow
the reader's preference.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from .figures import Figure

WIDTH = 840
MARGIN = 24
# Where bars begin, and the length of the longest; numbers follow at its end
LEFT = 190
LONGEST = 400
BAR = 18
# The gap between bars, and between bars that belong together
GAP = 10
PAIR_GAP = 2
STYLE = """\
  .page { fill: #ffffff; stroke: #d1d9e0 }
  .text { fill: #1f2328 }
  .faint { fill: #59636e }
  .ours { fill: #0969da }
  .others { fill: #afb8c1 }
  text { font: 14px -apple-system, "Segoe UI", "Noto Sans", Helvetica, Arial, sans-serif }
  .title { font-size: 18px; font-weight: 600 }
  .group { font-weight: 600 }
  .strong { font-weight: 600 }
  .small { font-size: 12px }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117; stroke: #3d444d }
    .text { fill: #f0f6fc }
    .faint { fill: #9198a1 }
    .ours { fill: #4493f8 }
    .others { fill: #656c76 }
  }
"""
TITLE = "Taking Airtel's reports: airtel_ccp beside others"
# For a report: the ratio to the empty route, the addon's figure, and the empty route's
COSTS = (
    ("time, p50", "report acknowledged: p50", "empty route: p50"),
    ("time, p99", "report acknowledged: p99", "empty route: p99"),
    ("worker CPU", "report acknowledged: worker CPU", "empty route: worker CPU"),
)
# For speed: the label, the rate, and the addon's ratio to it
SPEEDS = (
    ("airtel_ccp", "a second: reports", None),
    ("empty Odoo route", "a second: empty route", "reports a second, to the empty route"),
    ("usual addon", "a second: usual addon", "reports a second, to the usual addon"),
    ("sms_twilio", "a second: sms_twilio", "reports a second, to sms_twilio"),
)


@dataclass(frozen=True)
class Bar:
    """One bar.

    :param label: the subject; empty if it is the same as for the bar above.
    :param value: its length, in the unit of its group.
    :param number: the value as text.
    :param note: a few further words.
    """

    label: str
    value: float
    number: str
    note: str = ""
    is_ours: bool = False


def draw(figures: Iterable[tuple[str, Figure]]) -> str:
    """Return the drawing; figures that were not measured are left out.

    :param figures: pairs of a part's name and a figure.
    """
    values = {
        each.name: each.value
        for part, each in figures
        if part == "report" and each.value is not None
    }
    drawing = _Drawing()
    drawing.text(TITLE, MARGIN, "title text", 30)
    drawing.skip(14)
    if costs := _costs(values):
        drawing.group("One report, and one request to an empty Odoo route", "less is better")
        drawing.bars(costs)
        drawing.skip(16)
    if speeds := _speeds(values):
        drawing.group("Reports a second, with four workers", "more is better")
        drawing.bars(speeds)
    return drawing.finish([*costs, *speeds])


def _costs(values):
    bars = []
    for label, ours, empty in COSTS:
        ratio = values.get(f"{ours}, to the empty route")
        if ratio is not None and {ours, empty} <= values.keys():
            times, milliseconds = f"{ratio:.2f} times", f"{values[ours]:.1f} ms"
            bars += [
                Bar(label, ratio, times, f"airtel_ccp, {milliseconds}", is_ours=True),
                Bar("", 1, "1", f"empty route, {values[empty]:.1f} ms"),
            ]
    return bars


def _speeds(values):
    return [
        Bar(
            label,
            values[rate],
            f"{values[rate]:,.0f}",
            f"airtel_ccp: {values[ratio]:.2f} times" if ratio in values else "",
            is_ours=ratio is None,
        )
        for label, rate, ratio in SPEEDS
        if rate in values
    ]


class _Drawing:
    def __init__(self):
        self._parts = []
        self._y = 8

    def skip(self, height):
        self._y += height

    def text(self, text, x, kind, height):
        """Write a line of text, and move below it."""
        self._y += height
        self._write(text, x, self._y, kind)

    def _write(self, text, x, y, kind, anchor="start"):
        anchored = "" if anchor == "start" else f' text-anchor="{anchor}"'
        self._parts.append(
            f'<text x="{x:g}" y="{y:g}" class="{kind}"{anchored}>{escape(text)}</text>'
        )

    def group(self, title, hint):
        """Write the subject of the next bars."""
        self.text(title, MARGIN, "group text", 18)
        self._write(hint, WIDTH - MARGIN, self._y, "faint", "end")
        self._y += 12

    def bars(self, bars: Sequence[Bar]):
        """Draw bars below each other."""
        scale = LONGEST / max(each.value for each in bars)
        for position, each in enumerate(bars):
            length = max(each.value * scale, 1)
            base = self._y + BAR - 4
            if each.label:
                self._write(each.label, LEFT - 12, base, "text", "end")
            self._parts.append(
                f'<rect x="{LEFT}" y="{self._y}" width="{length:.1f}" height="{BAR}" rx="2"'
                f' class="{"ours" if each.is_ours else "others"}"/>'
            )
            number = "strong text" if each.is_ours else "text"
            note = f'<tspan dx="8" class="small faint">{escape(each.note)}</tspan>'
            self._parts.append(
                f'<text x="{LEFT + length + 8:.1f}" y="{base}"><tspan class="{number}">'
                f"{escape(each.number)}</tspan>{note if each.note else ''}</text>"
            )
            is_paired = bars[position + 1 :] and not bars[position + 1].label
            self._y += BAR + (PAIR_GAP if is_paired else GAP)

    def finish(self, bars) -> str:
        """Return the whole drawing."""
        height = self._y + 16
        words = "; ".join(f"{each.label} {each.number} {each.note}".strip() for each in bars)
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height:g}"'
                f' viewBox="0 0 {WIDTH} {height:g}" role="img" aria-labelledby="title words">',
                f'<title id="title">{escape(TITLE)}</title>',
                f'<desc id="words">{escape(words)}</desc>',
                f"<style>\n{STYLE}</style>",
                f'<rect x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1:g}" rx="6"'
                ' class="page"/>',
                *self._parts,
                "</svg>",
                "",
            ]
        )
