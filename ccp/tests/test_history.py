"""Calls of the past, as Airtel's portal exports them or as somebody kept them."""

import csv
import io
import json
import zipfile
from datetime import date, datetime, time, timedelta, timezone

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_reports import CAMEL_CDR, DISPLAY_CDR
from test_shape import INBOUND_CAMEL, INBOUND_DISPLAY

from ccp.airtel.fields import Fields
from ccp.airtel.reports import parse
from ccp.call import history
from ccp.safe import table

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=timezone.utc)
STARTED = datetime(2020, 2, 26, 12, 19, tzinfo=timezone.utc)
HEADER = ["Date", "Time", "Caller Number", "Destination Number", "Overall Call Status"]
ROW = ["26/02/2020", "17:49:00", "9876543210", "9123456789", "Answered"]


def as_csv(rows, delimiter=","):
    lines = io.StringIO()
    csv.writer(lines, delimiter=delimiter).writerows(rows)
    return lines.getvalue()


def as_workbook(rows):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    raw = io.BytesIO()
    book.save(raw)
    return raw.getvalue()


def one(raw):
    (call,) = history.read(raw, NOW).calls
    return call


@pytest.mark.parametrize("cdr", [DISPLAY_CDR, CAMEL_CDR, INBOUND_DISPLAY, INBOUND_CAMEL])
def test_both_dialects_as_json_and_as_tables(cdr):
    flat = {name: value for name, value in cdr.items() if not isinstance(value, list)}
    table_rows = [list(flat), ["" if each is None else str(each) for each in flat.values()]]
    spaced = [[name.replace("_", " ").upper() for name in flat], table_rows[1]]
    texts = [
        json.dumps(cdr),
        json.dumps([cdr]),
        json.dumps({"data": [cdr]}, indent=2),
        as_csv(table_rows),
        as_csv(spaced, ";"),
        as_csv(table_rows, "\t").encode("utf-16"),
        ("\ufeff" + as_csv([["Export of calls"], [], *table_rows])).encode(),
        as_workbook(table_rows),
    ]
    expected = one(texts[0])
    assert not expected.problem
    for text in texts:
        call = one(text)
        assert call.problem == ""
        for name in ("direction", "airtel_number", "session_id", "overall_status", "talk_seconds"):
            assert getattr(call.cdr, name) == getattr(expected.cdr, name), name
        assert call.started_at == expected.started_at
        roles = {(leg.side, leg.address) for leg in call.cdr.legs if len(leg.address) == 10}
        assert roles == {(leg.side, leg.address) for leg in expected.cdr.legs if leg.address}


def test_json_lines():
    lines = [json.dumps(DISPLAY_CDR), "", "nonsense", json.dumps({"hello": 1}), '"text"']
    found = history.read("\n".join(lines), NOW).calls
    assert [(call.line, call.problem) for call in found] == [
        (1, ""),
        (3, "json"),
        (4, "time"),
        (5, "json"),
    ]


@pytest.mark.parametrize("raw", [json.dumps(DISPLAY_CDR), as_csv([HEADER, ROW])])
def test_the_stored_payload_tells_the_same_again(raw):
    call = one(raw)
    assert call.started_at == STARTED
    assert parse(call.payload, call.received_at) == call.cdr


def test_no_address_of_a_recording_is_stored():
    url = "https://rec.airtel.in/r?token=abc"
    for name in ("Recording", "recordingURL", "recording file", "Notes"):
        for value in (url, {"url": url}):
            call = one(json.dumps({**DISPLAY_CDR, name: value}))
            assert "abc" not in call.payload
            assert call.cdr.recording_url == ""


MOMENTS = [
    ({"Date": "26/02/2020", "Time": "17:49:00"}, "IST without a zone"),
    ({"Call Date": "26-02-2020", "Call Time": "05:49 PM"}, "another name"),
    ({"Start Date": "26/02/2020", "Start Time": "17:49:00"}, "a time of day alone"),
    ({"Start Time": "2020-02-26 17:49:00"}, "IST in ISO"),
    ({"Call Date Time": "26/02/2020 17:49"}, "both in one"),
    ({"Start Time": "2020-02-26T12:19:00Z"}, "UTC by its zone"),
    ({"startTime": "1582719540000"}, "epoch"),
    ({"timestamp": "2020-02-26 12:19:00"}, "UTC, as Airtel's timestamp"),
    ({"Date": "26/02/2020", "Time": "17:49:00", "timestamp": "2020-02-26 12:19:00"}, "both"),
]


@pytest.mark.parametrize(("columns", "_what"), MOMENTS)
def test_moments(columns, _what):
    names, values = HEADER[2:] + list(columns), ROW[2:] + list(columns.values())
    call = one(as_csv([names, values]))
    assert (call.problem, call.started_at) == ("", STARTED)
    assert call.cdr.started_at == STARTED


DURATIONS = [
    ("Conversation Duration", "00:00:39"),
    ("Conversation Duration", "00:39"),
    ("conversationDuration", "39000"),
    ("Talk Time (sec)", "39"),
    ("Talk time in seconds", "39.0"),
    ("Conversation_Duration (ms)", "39000"),
]


@pytest.mark.parametrize(("name", "value"), DURATIONS)
def test_durations(name, value):
    assert one(as_csv([[*HEADER, name], [*ROW, value]])).cdr.talk_seconds == 39


def test_long_durations_in_seconds():
    assert one(as_csv([[*HEADER, "Talk Time (sec)"], [*ROW, "4000"]])).cdr.talk_seconds == 4000


def test_a_workbooks_own_types():
    row = [date(2020, 2, 26), time(17, 49), 9876543210, 9123456789.0, "Answered"]
    names = [*HEADER, "Conversation Duration"]
    call = one(as_workbook([names, [*row, timedelta(seconds=39)]]))
    assert call.problem == ""
    assert (call.started_at, call.cdr.talk_seconds) == (STARTED, 39)


PROBLEMS = [
    ({0: "soon"}, "time"),
    ({0: "26/02/2036"}, "time"),
    ({0: "26/02/1990"}, "time"),
    ({2: "", 3: ""}, "numbers"),
    ({2: "12345", 3: "678"}, "numbers"),
    ({3: "9.12346E+09"}, "damaged"),
    ({4: "Eaten"}, "result"),
    ({4: ""}, "kind"),
]


@pytest.mark.parametrize(("changes", "problem"), PROBLEMS)
def test_what_is_no_call_of_the_past(changes, problem):
    row = [changes.get(index, cell) for index, cell in enumerate(ROW)]
    found = history.read(as_csv([HEADER, ROW, row]), NOW).calls
    assert [(call.line, call.problem) for call in found] == [(2, ""), (3, problem)]


def test_tables_without_names():
    assert history.read(as_csv([ROW, ROW]), NOW).problem == "header"
    for empty in ("", " \n", b"", as_workbook([])):
        assert history.read(empty, NOW).problem == "empty"


def test_columns_that_nobody_reads_are_named():
    found = history.read(as_csv([[*HEADER, "Mood", "Recording"], [*ROW, "good", "x"]]), NOW)
    assert found.unused == ("Mood",)


# Files from whoever


def test_formulas_are_texts():
    rows = [[*HEADER, "Caller_Name"], [*ROW, '=HYPERLINK("http://x")']]
    assert "=HYPERLINK" in one(as_workbook(rows)).payload


@pytest.mark.parametrize(
    "bomb",
    [
        {f"part{number}.xml": b"" for number in range(3000)},
        {"xl/workbook.xml": b" " * (201 * 1024 * 1024)},
        {"xl/workbook.xml": b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]>'},
        {"xl/workbook.xml": '<!DOCTYPE x [<!ENTITY a "b">]>'.encode("utf-16")},
    ],
)
def test_hostile_workbooks(bomb):
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in bomb.items():
            archive.writestr(name, content)
    with pytest.raises(table.TableError) as caught:
        history.read(raw.getvalue(), NOW)
    assert caught.value.reason == "hostile"


@pytest.mark.parametrize("raw", [b"PK\x03\x04", b"PK\x03\x04" * 99, as_workbook([ROW])[:-40]])
def test_broken_workbooks(raw):
    with pytest.raises(table.TableError) as caught:
        history.read(raw, NOW)
    assert caught.value.reason == "broken"


def test_sizes_are_bounded(monkeypatch):
    with pytest.raises(table.TableError, match="too_large"):
        history.read("x" * (table.MAX_BYTES + 1), NOW)
    monkeypatch.setattr(table, "MAX_ROWS", 3)
    for many in (as_csv([HEADER] + [ROW] * 9), "\n".join([json.dumps(DISPLAY_CDR)] * 9)):
        with pytest.raises(table.TableError, match="too_many_rows"):
            history.read(many, NOW)
    monkeypatch.undo()
    monkeypatch.setattr(table, "MAX_SECONDS", -1)
    with pytest.raises(table.TableError, match="too_slow"):
        history.read(as_csv([HEADER, ROW]), NOW)
    monkeypatch.undo()
    with pytest.raises(table.TableError, match="too_large"):
        table.rows("a," + "x" * 200_000)
    wide = table.rows(",".join(["y" * 9000] * 300))
    assert (len(wide[0]), len(wide[0][0])) == (table.MAX_COLUMNS, table.MAX_CELL)


@given(st.one_of(st.binary(max_size=300), st.text(max_size=300)))
def test_whatever_comes_is_read_or_refused(raw):
    try:
        history.read(raw, NOW)
    except table.TableError as error:
        assert error.reason


@given(st.lists(st.lists(st.text(max_size=9), max_size=6), max_size=6))
def test_any_table_is_read(rows):
    history.read(as_csv([HEADER, *rows]), NOW)


def test_no_moment_is_older_than_a_calls_history():
    assert Fields({"a": "2010-01-01 00:00:00"}, NOW).moment("a") is None
