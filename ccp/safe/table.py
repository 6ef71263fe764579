# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl-3.0).
"""Tables from files and pasted text: CSV in any delimiter and encoding, or xlsx, as rows of texts.

A file may be hostile: size, rows, columns, cells, unpacked size and reading time are limited. A
formula is read as text and never computed.
"""

import codecs
import csv
import io
import re
import time
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from datetime import time as time_of_day

from . import text as untrusted

MAX_BYTES = 10 * 1024 * 1024
MAX_ROWS = 50_000
MAX_COLUMNS = 200
MAX_CELL = 8192
MAX_SECONDS = 60
"""Reading a workbook stops after this time."""
_MAX_UNPACKED = 100 * 1024 * 1024
_MAX_PARTS = 500
_DELIMITERS = ",;\t|"
_SNIFFED_LINES = 20
_DECLARATION = re.compile(rb"<!\s*(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_BYTE_ORDER_MARK = "\ufeff"


class TableError(Exception):
    """A file that cannot be read.

    :ivar reason: ``too_large``, ``too_many_rows``, ``too_slow``, ``broken`` (not a workbook),
        ``hostile`` (a workbook that unpacks to too much, or contains entities) or
        ``unavailable`` (openpyxl is missing)
    """

    def __init__(self, reason: str):
        super().__init__(reason)
        self.reason = reason


def is_workbook(raw: bytes) -> bool:
    """Return whether a file is a zip, like xlsx."""
    return raw.startswith(b"PK\x03\x04")


def rows(raw: bytes | str) -> list[list[str]]:
    """Return the rows of a table, including empty ones: a row's position is its line.

    :param raw: a file, or pasted text
    :return: texts without blanks around them, dates and times in ISO 8601
    :raise TableError: when it cannot be read
    """
    if len(raw) > MAX_BYTES:
        raise TableError("too_large")
    if isinstance(raw, bytes):
        if is_workbook(raw):
            return list(_bounded(_of_workbook(raw)))
        raw = decode(raw)
    return list(_bounded(_of_text(raw.removeprefix(_BYTE_ORDER_MARK))))


def decode(raw: bytes) -> str:
    """Return a file's text, even of Excel's "Unicode text", which is UTF-16."""
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return untrusted.storable(raw.decode("utf-16", "replace"))
    return untrusted.decode(raw)


def _bounded(found: Iterator[list[str]]) -> Iterator[list[str]]:
    until = time.monotonic() + MAX_SECONDS
    for number, row in enumerate(found):
        if number >= MAX_ROWS:
            raise TableError("too_many_rows")
        if time.monotonic() > until:
            raise TableError("too_slow")
        yield [cell[:MAX_CELL].strip() for cell in row[:MAX_COLUMNS]]


def _of_text(text: str) -> Iterator[list[str]]:
    lines = io.StringIO(text, newline="")
    reader = csv.reader(lines, delimiter=_delimiter(text))
    try:
        yield from reader
    except csv.Error as error:
        # A cell is longer than Python's own limit
        raise TableError("too_large") from error


def _delimiter(text: str) -> str:
    """Return the delimiter that splits the first lines into the same, largest number of columns."""
    lines = [line for line in text[:MAX_CELL].splitlines()[:_SNIFFED_LINES] if line.strip()]

    def fit(delimiter: str) -> tuple[int, int]:
        counts = [len(row) for row in csv.reader(lines, delimiter=delimiter)]
        widest = max(counts, default=0)
        return sum(1 for count in counts if count == widest > 1), widest

    return max(_DELIMITERS, key=fit)


def _of_workbook(raw: bytes) -> Iterator[list[str]]:
    """Yield the rows of the first sheet."""
    _check_zip(raw)
    try:
        import openpyxl  # noqa: PLC0415 - only who imports a workbook needs it
    except ImportError as error:
        raise TableError("unavailable") from error
    try:
        book = openpyxl.load_workbook(io.BytesIO(raw), read_only=True, data_only=False)
        sheet = book.worksheets[0]
        # The size that a file gives for itself may be wrong
        sheet.reset_dimensions()
        for row in sheet.iter_rows(max_col=MAX_COLUMNS, values_only=True):
            texts = [_text(cell) for cell in row]
            # Trailing empty cells are removed: openpyxl returns all requested columns
            while texts and not texts[-1]:
                texts.pop()
            yield texts
        book.close()
    except TableError:
        raise
    except Exception as error:  # noqa: BLE001 - a broken file makes openpyxl raise anything
        raise TableError("broken") from error


def _check_zip(raw: bytes) -> None:
    """Refuse a zip that unpacks to too much, or whose XML defines entities."""
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            parts = archive.infolist()
            if len(parts) > _MAX_PARTS or sum(part.file_size for part in parts) > _MAX_UNPACKED:
                raise TableError("hostile")
            for part in parts:
                if part.filename.endswith((".xml", ".rels")):
                    # Without the zero bytes of UTF-16
                    if _DECLARATION.search(archive.read(part).replace(b"\0", b"")):
                        raise TableError("hostile")
    except TableError:
        raise
    except Exception as error:
        # A broken archive may fail in zlib, struct or elsewhere
        raise TableError("broken") from error


def _text(cell) -> str:
    """Return a cell's value as people write it."""
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ", timespec="seconds")
    if isinstance(cell, timedelta):
        return _clock(cell.total_seconds())
    if isinstance(cell, time_of_day):
        return cell.strftime("%H:%M:%S")
    if isinstance(cell, date):
        return cell.isoformat()
    return str(cell)


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}"
