"""Figures that outlive their run: the last ones below ``.dev``, the published ones in git.

``make bench`` writes below ``.dev`` only. ``make figures`` publishes: it copies the last figures to
``devtools/bench/results.json``, and rewrites the pages that show them (see :func:`pages`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path

from ..machine.errors import ToolError
from ..machine.layout import Layout
from ..machine.stamps import write_atomically
from . import PARTS
from .drawing import draw
from .figures import Figure, markdown_table, rows

# The document has the table between these two lines
BEGIN = "<!-- figures: `make figures` writes from here -->\n"
END = "<!-- figures: to here -->\n"
MOST_ROWS = 8


def latest(layout: Layout) -> Path:
    """Return the path of the last figures, which for each part are those of its last run."""
    return layout.dev / "bench" / "results.json"


def published(layout: Layout) -> Path:
    """Return the path of the published figures."""
    return layout.root / "devtools" / "bench" / "results.json"


def keep(layout: Layout, run: dict, measured: Iterable[tuple[str, Figure]]) -> dict:
    """Write the figures of a run below ``.dev``; other parts keep those of their own last run.

    :param run: date, machine and length of the run.
    :param measured: pairs of a part's name and a figure.
    :return: all present figures.
    """
    path = latest(layout)
    before = path if path.exists() else published(layout)
    results = merged(json.loads(before.read_text()) if before.exists() else None, run, measured)
    write_atomically(path, _text(results))
    return results


def merged(before: dict | None, run: dict, measured: Iterable[tuple[str, Figure]]) -> dict:
    """Return earlier results in which the parts of a run replace their own former ones."""
    new = [{"part": part, **figure.as_dict()} for part, figure in measured]
    names = {each["part"] for each in new}
    earlier = before or {"runs": [], "figures": []}
    old = [each for each in earlier["figures"] if each["part"] not in names]
    left = {each["part"] for each in old}
    runs, together = [], set(names)
    for each in earlier["runs"]:
        still = left.intersection(each["parts"].split())
        if {**each, "parts": ""} == {**run, "parts": ""}:
            together |= still
        elif still:
            runs.append({**each, "parts": _words(still)})
    runs.insert(0, {**run, "parts": _words(together)})
    figures = sorted([*old, *new], key=lambda each: PARTS.index(each["part"]))
    return {"runs": [each for each in runs if each["parts"]], "figures": figures}


def _words(parts):
    return " ".join(sorted(parts, key=PARTS.index))


def _text(results: dict) -> str:
    return json.dumps(results, indent=4) + "\n"


def figures_of(results: dict) -> list[tuple[str, Figure]]:
    """Return pairs of a part's name and a figure, in the order in which they were measured."""
    return [
        (each["part"], Figure.from_dict({key: each[key] for key in each if key != "part"}))
        for each in results["figures"]
    ]


def describe(run: dict) -> str:
    """Return one line about a run and its machine."""
    made = run["machine"]
    words = [f"{made['cores']} cores ({made['processor']})"]
    if "memory_gb" in made:
        words.append(f"{made['memory_gb']} GB")
    titles = {"python": "Python", "postgresql": "PostgreSQL", "odoo": "Odoo"}
    words += [f"{title} {made[name]}" for name, title in titles.items() if name in made]
    return f"{run['date']}, {'in short' if run['quick'] else 'in full'}: {', '.join(words)}"


def table(results: dict) -> str:
    """Return which run measured what, and the figures with a goal, as Markdown."""
    lines = [
        f"- {', '.join(f'`{part}`' for part in run['parts'].split())}: {describe(run)}."
        for run in results["runs"]
    ]
    rated = [(part, each) for part, each in figures_of(results) if each.met is not None]
    return "\n".join([*lines, "", markdown_table(rated)]) + "\n"


def pages(layout: Layout, results: dict) -> dict[Path, str]:
    """Return the text of each file that shows figures.

    :raises ToolError: when a page has no place for them, or shows a figure that does not exist.
    """
    readme, document = layout.root / "README.md", layout.root / "docs" / "benchmarks.md"
    return {
        published(layout): _text(results),
        document: _with_table(document.read_text(), table(results)),
        readme: _with_rows(readme.read_text(), results),
        layout.root / "docs" / "images" / "figures.svg": draw(figures_of(results)),
    }


def _with_table(text, found):
    before, begin, rest = text.partition(BEGIN)
    _old, end, after = rest.partition(END)
    if not (begin and end):
        raise ToolError(
            "docs/benchmarks.md has no place for the table: "
            f"put {BEGIN.strip()} and {END.strip()} there."
        )
    return f"{before}{BEGIN}\n{found}\n{END}{after}"


def _with_rows(text, results):
    """Return the README with the present values in the rows that it shows."""
    known = {row[:2]: row for row in rows(figures_of(results))}
    before, title, section = text.partition("\n## Figures\n")
    section, following, after = section.partition("\n## ")
    lines = section.split("\n")
    shown = 0
    for number, line in enumerate(lines):
        cells = tuple(cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1])
        # The headings and the line below them
        if not cells or cells[0] not in PARTS:
            continue
        shown += 1
        if cells[:2] not in known:
            raise ToolError(
                f"README.md shows {cells[1]!r}, which {cells[0]} does not measure: "
                "put another figure there."
            )
        lines[number] = f"| {' | '.join(known[cells[:2]])} |"
    if shown > MOST_ROWS:
        raise ToolError(f"README.md shows {shown} figures: leave {MOST_ROWS}.")
    return before + title + "\n".join(lines) + following + after


def publish(layout: Layout) -> list[Path]:
    """Copy the last figures to the published ones, and rewrite the pages that show them.

    :return: the files that were written.
    :raises ToolError: when there are no figures, or a page has no place for them.
    """
    path = latest(layout)
    if not path.exists():
        raise ToolError("There are no figures yet: run `make bench`.")
    texts = pages(layout, json.loads(path.read_text()))
    for each, text in texts.items():
        write_atomically(each, text)
    return list(texts)
