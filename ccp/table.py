# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl-3.0).
"""Tables from outside: pasted lines, CSV files and Excel's xlsx files, as rows of texts.

All of them come from whoever made them, so that everything is bounded: bytes, unpacked bytes, rows,
columns and the length of a cell.
"""

import csv
import io
import re
import zipfile
from collections.abc import Iterable
from datetime import datetime
from itertools import islice

import openpyxl

MAX_ROWS = 5000
MAX_COLUMNS = 30
MAX_CELL = 500
MAX_PARTS = 500
"""How many files an xlsx file may hold: a sheet, a drawing, a font are files of their own."""
MAX_UNPACKED = 16 * 1024 * 1024
"""Bytes of an xlsx file once unpacked; a few kilobytes can hold gigabytes."""
MAX_RECORD_LINES = 10
"""How many lines a row may span, when a cell in quotes holds line breaks."""

_DELIMITERS = ("\t", ";", ",")
_QUOTED = re.compile(r'"[^"]*"')
_DECLARATION = re.compile(rb"<!\s*(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_XLSX_START = b"PK\x03\x04"


class TableError(ValueError):
    """The bytes are no table that can be read.

    :ivar reason: ``unreadable``, or ``long`` (more than one of the bounds allows)
    """

    def __init__(self, reason: str):
        super().__init__(reason)
        self.reason = reason


def is_xlsx(raw: bytes) -> bool:
    """Whether a file begins as xlsx files do."""
    return raw.startswith(_XLSX_START)


def records(text: str) -> list[str]:
    """Split a text into the lines of its rows; a cell in quotes may hold line breaks.

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
    """How many lines the first row has; a quote that is never closed stands for itself."""
    quotes = 0
    for size, line in enumerate(lines[:MAX_RECORD_LINES], 1):
        quotes += line.count('"')
        if quotes % 2 == 0:
            return size
    return 1


def cells(lines: Iterable[str]) -> list[list[str]]:
    """Split rows into cells by tabs, semicolons or commas, whichever most of them have.

    A row without that one is split by another; pasted lines are not always alike.

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
    # A quote that is never closed keeps the line breaks that follow
    row = [cell for part in reader for cell in part]
    return [" ".join(cell.split())[:MAX_CELL] for cell in row[:MAX_COLUMNS]]


def from_xlsx(raw: bytes) -> list[list[str]]:
    """Read the first sheet of an xlsx file.

    :param raw: the file
    :return: rows of cells, without blank rows; numbers and dates as a person would type them
    :raises TableError: when it cannot be read, or holds more than ``MAX_ROWS``
    """
    _check_package(raw)
    try:
        book = openpyxl.load_workbook(
            io.BytesIO(raw), read_only=True, data_only=True, keep_links=False
        )
        sheet = book.worksheets[0]
        # One more than is allowed, to know that there are more
        read = sheet.iter_rows(max_row=MAX_ROWS + 1, max_col=MAX_COLUMNS, values_only=True)
        rows = [_row(values) for values in islice(read, MAX_ROWS + 1)]
    except Exception as error:
        # A broken file breaks the library wherever it likes, in a dozen kinds of errors
        raise TableError("unreadable") from error
    if len(rows) > MAX_ROWS:
        raise TableError("long")
    return [row for row in rows if row]


def to_text(rows: Iterable[list[str]]) -> str:
    """Write rows as lines with tabs, which ``records`` and ``cells`` read again."""
    output = io.StringIO()
    csv.writer(output, delimiter="\t", lineterminator="\n").writerows(rows)
    return output.getvalue()


def _check_package(raw: bytes) -> None:
    """Refuse what unpacks to too much, and what declares entities, which multiply when read."""
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as package:
            parts = package.infolist()
            is_long = len(parts) > MAX_PARTS or sum(part.file_size for part in parts) > MAX_UNPACKED
            # A part is read as far as its entry says that it is long, whatever is packed in it
            is_hostile = not is_long and any(
                # Without the zeros of UTF-16
                _DECLARATION.search(package.read(part).replace(b"\0", b""))
                for part in parts
            )
    except Exception as error:
        raise TableError("unreadable") from error
    if is_long or is_hostile:
        raise TableError("long" if is_long else "unreadable")


def _row(values) -> list[str]:
    """Cells up to the last one that is not blank."""
    row = [_text(value) for value in values]
    while row and not row[-1]:
        row.pop()
    return row


def _text(value) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        value = int(value)
    if isinstance(value, datetime):
        value = value.isoformat(" ")
    return " ".join(str(value)[: 2 * MAX_CELL].split())[:MAX_CELL]
