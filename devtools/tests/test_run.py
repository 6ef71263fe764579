import pytest

from devtools.commands import run
from devtools.machine.layout import LAYOUT, Settings


class Recorder:
    """Stands for the databases: gives out addresses and keeps what is asked of it."""

    def __init__(self, layout, row):
        self.layout = layout
        self.row = row

    def query(self, name, query):
        return self.row


def test_the_welcome_says_where_and_who_and_ends_with_ready(layout):
    text = run.welcome(layout, Settings(odoo_port=9000, sandbox_port=9001))
    assert "Open http://127.0.0.1:9000\n" in text
    assert "http://127.0.0.1:9001" in text
    for word in ("admin / admin", "asha / asha, ravi / ravi", "meera / meera", "click Call"):
        assert word in text
    assert "\n  python3 -m sandbox --ring 7000000101 --to 8000000001 --port 9001\n" in text
    assert text.splitlines()[-1].startswith("Ready")


def test_the_usual_port_needs_no_word():
    with_usual_ports = run.welcome(LAYOUT, Settings())
    assert "\n  python3 -m sandbox --ring 7000000101 --to 8000000001\n" in with_usual_ports


@pytest.mark.parametrize(("workers", "counted"), [(0, False), (2, True)])
def test_the_event_port_counts_only_with_workers(workers, counted):
    assert ("GEVENT_PORT" in run.ports(Settings(workers=workers))) is counted


@pytest.mark.parametrize(
    ("row", "written"),
    [
        ("http://127.0.0.1:8069|True|http://127.0.0.1:8270|True|1", None),
        (
            "http://127.0.0.1:8069|True|http://127.0.0.1:8270|True|0",
            ("http://127.0.0.1:8069", "http://127.0.0.1:8270"),
        ),
        (
            "http://127.0.0.1:8069|True|http://127.0.0.1:8270||1",
            ("http://127.0.0.1:8069", "http://127.0.0.1:8270"),
        ),
        ("||||0", ("http://127.0.0.1:8069", "http://127.0.0.1:8270")),
        (
            "http://localhost:8069|True|http://127.0.0.1:8270|True|1",
            ("http://127.0.0.1:8069", "http://127.0.0.1:8270"),
        ),
        (
            "http://127.0.0.1:8069||http://127.0.0.1:9999|True|1",
            ("http://127.0.0.1:8069", "http://127.0.0.1:8270"),
        ),
        (
            "https://crm.example.com|False|https://ccp.example.com/path|True|1",
            ("https://crm.example.com", "https://ccp.example.com/path"),
        ),
        ("https://crm.example.com|True|https://ccp.example.com/path|True|1", None),
    ],
)
def test_only_addresses_of_this_machine_are_changed(layout, monkeypatch, row, written):
    calls = []
    monkeypatch.setattr(run, "_write_addresses", lambda *words: calls.append(words[2:]))
    databases = Recorder(layout, row)
    run.point_to(databases, "airtel_ccp", "http://127.0.0.1:8069", "http://127.0.0.1:8270")
    assert calls == ([written] if written else [])
