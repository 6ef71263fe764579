import io
import time
import zipfile
from datetime import datetime

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccp import table


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


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("a;1\nb;2", [["a", "1"], ["b", "2"]]),
        ("a,1\r\n\r\nb,2\r\n", [["a", "1"], ["b", "2"]]),
        ("a\t1", [["a", "1"]]),
        ('"Kumar, Sunil",98765', [["Kumar, Sunil", "98765"]]),
        ('"Kumar, Sunil", a@x.in ,98765', [["Kumar, Sunil", "a@x.in", "98765"]]),
        ("Kumar, Sunil; 98765", [["Kumar, Sunil", "98765"]]),
        ("a,1\nb,2\nc;3", [["a", "1"], ["b", "2"], ["c", "3"]]),
        ("a,1;2\nb,3", [["a", "1;2"], ["b", "3"]]),
        ('a,"1\n2"\nb,3', [["a", "1 2"], ["b", "3"]]),
        ('"a;1\nb;2', [["a;1"], ["b", "2"]]),
        ('a "Didi";1', [['a "Didi"', "1"]]),
        ('"say ""hi""";1', [['say "hi"', "1"]]),
        ("alone", [["alone"]]),
        ("", []),
        (" \n\t\n", []),
    ],
)
def test_text(text, rows):
    assert table.cells(table.records(text)) == rows


@given(st.text(max_size=400))
def test_any_text(text):
    records = table.records(text)
    rows = table.cells(records)
    assert len(rows) == len(records) and all(rows)


def test_a_cell_and_a_row_have_a_limit():
    ((cell, *others),) = table.cells(["x" * 100_000 + ";1" * 1000])
    assert len(cell) == table.MAX_CELL and len(others) == table.MAX_COLUMNS - 1


cells = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=20)


@given(st.lists(st.lists(cells, min_size=2, max_size=4), max_size=5))
def test_rows_survive_as_text(rows):
    rows = [[" ".join(cell.split()) for cell in row] for row in rows]
    rows = [row for row in rows if "".join(row)]
    if rows:
        assert table.cells(table.records(table.to_text(rows))) == rows


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
    assert table.is_xlsx(raw)
    assert table.from_xlsx(raw) == [
        ["Name", "Mobile"],
        ["Asha", "9876543210"],
        ["Ravi", "9876543211"],
        ["Meera", "+91 98765 43212"],
        ["Day", "2026-11-26 09:30:00"],
        ["Part", "0.5"],
    ]


def reason(raw):
    with pytest.raises(table.TableError) as caught:
        table.from_xlsx(raw)
    return caught.value.reason


def test_xlsx_with_too_many_rows():
    assert reason(workbook(*[("a", 1)] * (table.MAX_ROWS + 1))) == "long"


def test_a_row_far_below_costs_nothing():
    sheet = b"""<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">
        <sheetData><row r="1"><c r="A1"><v>1</v></c></row>
        <row r="1048576"><c r="XFD1048576"><v>2</v></c></row></sheetData></worksheet>"""
    started = time.perf_counter()
    raw = repack(workbook(("a",)), **{"xl/worksheets/sheet1.xml": sheet})
    try:
        assert table.from_xlsx(raw) == [["1"]]
    except table.TableError as error:
        assert error.reason == "long"
    assert time.perf_counter() - started < 2


def test_hostile_packages():
    good = workbook(("a", 1))
    bomb = repack(good, **{"xl/worksheets/sheet1.xml": b" " * (table.MAX_UNPACKED + 1)})
    assert len(bomb) < 100_000 and reason(bomb) == "long"
    many = repack(good, **{f"xl/media/{n}.png": b"" for n in range(table.MAX_PARTS + 1)})
    assert reason(many) == "long"
    entities = '<!DOCTYPE a [<!ENTITY b "c">]><worksheet>&b;</worksheet>'
    for encoding in ("utf-8", "utf-16"):
        raw = repack(good, **{"xl/worksheets/sheet1.xml": entities.encode(encoding)})
        assert reason(raw) == "unreadable"
    for raw in (b"", b"PK\x03\x04", b"PK\x03\x04" + b"x" * 1000, good[:-100], good[:100]):
        assert reason(raw) == "unreadable"
    for name in ("xl/workbook.xml", "xl/worksheets/sheet1.xml", "[Content_Types].xml"):
        assert reason(repack(good, **{name: b"<nonsense"})) == "unreadable"


SMALL = workbook(("a", 1))


@given(st.lists(st.tuples(st.integers(0), st.integers(0, 255)), max_size=5))
def test_any_broken_package(changes):
    raw = bytearray(SMALL)
    for position, byte in changes:
        raw[position % len(raw)] = byte
    try:
        table.from_xlsx(bytes(raw))
    except table.TableError as error:
        assert error.reason in ("unreadable", "long")
