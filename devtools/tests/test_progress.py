import io

import pytest

from devtools.machine.progress import Progress


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock():
    return Clock()


def test_a_log_gets_whole_lines_now_and_then(clock):
    stream = io.StringIO()
    progress = Progress("Odoo: downloading", stream, clock=clock)
    for second in range(1, 13):
        clock.now = second
        progress.bytes(second * 10_000_000, 120_000_000)
    progress.done()
    assert stream.getvalue().splitlines() == [
        "Odoo: downloading ...",
        "Odoo: downloading: 50.0 MB of 120.0 MB (41%), 5 s",
        "Odoo: downloading: 100.0 MB of 120.0 MB (83%), 10 s",
        "Odoo: downloading: done (12.0 s)",
    ]


def test_a_terminal_gets_one_line_rewritten(clock):
    stream = Terminal()
    progress = Progress("Odoo: downloading", stream, clock=clock)
    clock.now = 0.1
    progress.bytes(1, 100)
    clock.now = 0.3
    progress.bytes(50_000_000, 100_000_000)
    progress.done()
    text = stream.getvalue()
    assert text.count("\n") == 1
    assert text.endswith("\n")
    assert "(1%)" not in text
    assert "\r\x1b[KOdoo: downloading: 50.0 MB of 100.0 MB (50%), 0 s" in text


def test_a_line_never_wraps_on_a_terminal(clock, monkeypatch):
    monkeypatch.setenv("COLUMNS", "30")
    stream = Terminal()
    progress = Progress("Odoo", stream, clock=clock)
    clock.now = 1
    progress.note("x" * 200)
    assert max(len(part.removeprefix("\x1b[K")) for part in stream.getvalue().split("\r")) < 30


def test_an_unknown_size(clock):
    stream = io.StringIO()
    progress = Progress("Odoo", stream, clock=clock)
    clock.now = 6
    progress.bytes(2_500_000, None)
    assert "Odoo: 2.5 MB, 6 s" in stream.getvalue()
