import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccp.safe import lines


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
    assert lines.cells(lines.records(text)) == rows


@given(st.text(max_size=400))
def test_any_text(text):
    records = lines.records(text)
    rows = lines.cells(records)
    assert len(rows) == len(records) and all(rows)


def test_a_cell_and_a_row_have_a_limit():
    ((cell, *others),) = lines.cells(["x" * 100_000 + ";1" * 1000])
    assert len(cell) == lines.MAX_CELL and len(others) == lines.MAX_COLUMNS - 1


cells = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=20)


@given(st.lists(st.lists(cells, min_size=2, max_size=4), max_size=5))
def test_rows_survive_as_text(rows):
    rows = [[" ".join(cell.split()) for cell in row] for row in rows]
    rows = [row for row in rows if "".join(row)]
    if rows:
        assert lines.cells(lines.records(lines.to_text(rows))) == rows
