from __future__ import annotations

import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from devtools.bench.figures import Figure, markdown_table, plain_table, readable
from devtools.bench.load import Job, intended_times, request_bytes, send
from devtools.bench.measure import median_ratio, percentile

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "run `make bench`, which prepares the databases"),
        (("fold", "click"), "run `make bench`, which prepares the databases"),
        (("fold", "nothing"), "there is no part nothing: choose of report, fold"),
    ],
)
def test_parts_are_chosen_by_name(words, sentence):
    command = [sys.executable, "-m", "devtools.bench", *words]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 2
    assert sentence in result.stderr


def test_percentile():
    values = list(range(1, 101))
    assert percentile(values, 0.5) == 50
    assert percentile(values, 0.99) == 99
    assert percentile(values, 1) == 100
    assert percentile([7], 0.01) == 7


def test_percentile_of_nothing():
    with pytest.raises(ValueError):
        percentile([], 0.5)


def test_median_of_ratios_and_not_ratio_of_medians():
    assert median_ratio([(1, 1), (20, 10), (300, 100)]) == 2


def test_rate():
    assert intended_times(4, 2) == [0, 0.5, 1, 1.5]


@pytest.mark.parametrize(
    ("value", "limit", "at_least", "met"),
    [
        (1.5, 1.5, False, True),
        (1.51, 1.5, False, False),
        (0.85, 0.85, True, True),
        (0.84, 0.85, True, False),
        (None, 1, False, False),
        (1, None, False, None),
    ],
)
def test_verdict(value, limit, at_least, met):
    assert Figure("x", value, "times", limit, at_least).met is met


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (2.0, "2"), (1.234, "1.23"), (12.34, "12.3"), (123.4, "123"), (1234.5, "1,234")],
)
def test_readable(value, text):
    assert readable(value) == text


def test_tables_show_missed_goals():
    figures = [
        ("report", Figure("p50", 2, "times", 1.5)),
        ("click", Figure("POSTs", 1, "", 1)),
        ("click", Figure("p99", None, "ms", 75)),
    ]
    assert plain_table(figures).splitlines() == [
        "part    what   goal                measured",
        "report  p50    at most 1.50 times  2 times       MISSED",
        "click   POSTs  at most 1           1             met",
        "click   p99    at most 75 ms       not measured  MISSED",
    ]
    assert "| report | p50 | at most 1.50 times | 2 times | MISSED |" in markdown_table(figures)


def test_figures_outlive_json():
    figure = Figure("p50", 2.0, "times", 1.5, note="a note")
    assert Figure.from_dict(figure.as_dict()) == figure


def _serve(listener, answers):
    for answer in answers:
        connection, _address = listener.accept()
        connection.recv(65536)
        connection.sendall(answer)
        # Left open: who reads on after the answer is whole would wait
        _opened.append(connection)


_opened: list[socket.socket] = []


@pytest.mark.parametrize("rate", [None, 50])
def test_generator_stops_at_content_length(rate):
    answers = [
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.0 404 NOT FOUND\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    ]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_serve, args=[listener, answers])
        thread.start()
        requests = [request_bytes("/", b"{}")] * 3
        outcome = send(Job(listener.getsockname()[1], requests, rate, 1))
        thread.join()
    for connection in _opened:
        connection.close()
    assert outcome.statuses == [200, 404, 200]
    assert outcome.positions == [0, 1, 2]
    assert outcome.accepted == 2


def test_latency_counts_from_the_intended_moment():
    def serve():
        for pause in (0.3, 0):
            connection, _address = listener.accept()
            connection.recv(65536)
            threading.Event().wait(pause)
            connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n")
            connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        job = Job(listener.getsockname()[1], [request_bytes("/", b"")] * 2, 100, 1)
        first, second = send(job).latencies
        thread.join()
    assert first >= 0.3
    assert second >= 0.28
