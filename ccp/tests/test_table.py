import io
import time
import zipfile
from datetime import datetime

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccp.safe import table


def workbook(*rows):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    output = io.BytesIO()
    book.save(output)
    return output.getvalue()


def repack(raw, **parts):
    """The same package with some of its parts replaced or added."""
    output = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as old, zipfile.ZipFile(output, "w", 8) as new:
        for part in old.infolist():
            if part.filename not in parts:
                new.writestr(part, old.read(part))
        for name, content in parts.items():
            new.writestr(name, content)
    return output.getvalue()


def test_xlsx():
    raw = workbook(
        ("Name", "Mobile"),
        ("Asha", 9876543210),
        (None, None),
        ("Ravi", 9876543211.0),
        ("Meera", "+91 98765 43212"),
        ("Day", datetime(2026, 11, 26, 9, 30)),  # noqa: DTZ001
        ("Part", 0.5),
    )
    assert table.is_workbook(raw)
    assert table.rows(raw) == [
        ["Name", "Mobile"],
        ["Asha", "9876543210"],
        [],
        ["Ravi", "9876543211"],
        ["Meera", "+91 98765 43212"],
        ["Day", "2026-11-26 09:30:00"],
        ["Part", "0.5"],
    ]


def reason(raw):
    with pytest.raises(table.TableError) as caught:
        table.rows(raw)
    return caught.value.reason


def test_xlsx_with_too_many_rows(monkeypatch):
    monkeypatch.setattr(table, "MAX_ROWS", 3)
    assert reason(workbook(*[("a", 1)] * 4)) == "too_many_rows"


def test_a_row_far_below_costs_nothing():
    sheet = b"""<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">
        <sheetData><row r="1"><c r="A1"><v>1</v></c></row>
        <row r="1048576"><c r="XFD1048576"><v>2</v></c></row></sheetData></worksheet>"""
    started = time.process_time()
    raw = repack(workbook(("a",)), **{"xl/worksheets/sheet1.xml": sheet})
    assert reason(raw) == "too_many_rows"
    assert time.process_time() - started < 20


def test_hostile_packages():
    good = workbook(("a", 1))
    bomb = repack(good, **{"xl/worksheets/sheet1.xml": b" " * (table._MAX_UNPACKED + 1)})
    assert len(bomb) < 200_000 and reason(bomb) == "hostile"
    many = repack(good, **{f"xl/media/{n}.png": b"" for n in range(table._MAX_PARTS + 1)})
    assert reason(many) == "hostile"
    entities = '<!DOCTYPE a [<!ENTITY b "c">]><worksheet>&b;</worksheet>'
    for encoding in ("utf-8", "utf-16"):
        raw = repack(good, **{"xl/worksheets/sheet1.xml": entities.encode(encoding)})
        assert reason(raw) == "hostile"
    for raw in (b"PK\x03\x04", b"PK\x03\x04" + b"x" * 1000, good[:-100], good[:100]):
        assert reason(raw) == "broken"
    for name in ("xl/workbook.xml", "xl/worksheets/sheet1.xml", "[Content_Types].xml"):
        assert reason(repack(good, **{name: b"<nonsense"})) == "broken"


SMALL = workbook(("a", 1))


@given(st.lists(st.tuples(st.integers(0), st.integers(0, 255)), max_size=5))
def test_any_broken_package(changes):
    raw = bytearray(SMALL)
    for position, byte in changes:
        raw[position % len(raw)] = byte
    try:
        table.rows(bytes(raw))
    except table.TableError as error:
        assert error.reason in ("broken", "hostile")
