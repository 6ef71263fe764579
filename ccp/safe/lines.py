# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl-3.0).
"""Splits pasted lines into rows of texts; each line may use its own separator.

The lines come from users, so the number of columns and the length of a cell are limited.
"""

import csv
import io
import re
from collections.abc import Iterable

MAX_ROWS = 5000
"""Callers refuse further lines."""
MAX_COLUMNS = 30
MAX_CELL = 500
MAX_RECORD_LINES = 10
"""How many lines a row may span if a quoted cell contains line breaks."""

_DELIMITERS = ("\t", ";", ",")
_QUOTED = re.compile(r'"[^"]*"')


def records(text: str) -> list[str]:
    """Split a text into the lines of its rows; a quoted cell may contain line breaks.

    :param text: pasted lines, or a CSV file
    :return: one text for each row that is not blank
    """
    found: list[str] = []
    lines = text.splitlines()
    while lines:
        size = _record_size(lines)
        record = "\n".join(lines[:size])
        del lines[:size]
        if record.strip():
            found.append(record)
    return found


def _record_size(lines: list[str]) -> int:
    """Return how many lines the first row has; a quote without an end is a plain character."""
    quotes = 0
    for size, line in enumerate(lines[:MAX_RECORD_LINES], 1):
        quotes += line.count('"')
        if quotes % 2 == 0:
            return size
    return 1


def cells(lines: Iterable[str]) -> list[list[str]]:
    """Split rows into cells by tabs, semicolons or commas, whichever most rows contain.

    A row without it is split by another one; pasted lines are not always alike.

    :param lines: see ``records``
    """
    plain = [_QUOTED.sub("", line) for line in lines]
    usual = max(_DELIMITERS, key=lambda sign: sum(sign in line for line in plain))
    order = (usual, *_DELIMITERS)
    return [
        _cells_of(line, next((sign for sign in order if sign in outside), usual))
        for line, outside in zip(lines, plain, strict=True)
    ]


def _cells_of(line: str, delimiter: str) -> list[str]:
    reader = csv.reader(io.StringIO(line), delimiter=delimiter, skipinitialspace=True)
    # A quote without an end keeps the line breaks that follow it
    row = [cell for part in reader for cell in part]
    return [" ".join(cell.split())[:MAX_CELL] for cell in row[:MAX_COLUMNS]]


def to_text(rows: Iterable[list[str]]) -> str:
    """Return rows as lines with tabs, which ``records`` and ``cells`` can read."""
    output = io.StringIO()
    csv.writer(output, delimiter="\t", lineterminator="\n").writerows(rows)
    return output.getvalue()
