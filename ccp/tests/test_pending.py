import logging
import threading

import pytest

from ccp.airtel.client import (
    Answer,
    CcpError,
)
from ccp.airtel.pending import Exchange

ANSWER = Answer("Xchange-1", 200, 0.1)


class Airtel:
    """Keeps a request until it is let go."""

    def __init__(self, outcome=ANSWER):
        self.outcome = outcome
        self.go = threading.Event()
        self.bodies = []
        self.thread = None

    def execute(self, body):
        self.bodies.append(body)
        self.thread = threading.current_thread()
        assert self.go.wait(10)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


@pytest.fixture
def airtel():
    made = Airtel()
    yield made
    made.go.set()


def test_whoever_asks_waits_only_so_long(airtel):
    exchange = Exchange(airtel, {"a": 1})
    assert exchange.wait(0) is False
    assert exchange.wait(0.05) is False
    airtel.go.set()
    assert exchange.wait(10) is True
    assert exchange.answer() == ANSWER
    assert airtel.bodies == [{"a": 1}], "sent once"


def test_a_process_that_ends_waits_for_it(airtel):
    exchange = Exchange(airtel, {})
    airtel.go.set()
    assert exchange.wait(10)
    assert airtel.thread is not threading.current_thread()
    assert not airtel.thread.daemon


@pytest.mark.parametrize("error", [CcpError("refused", "HTTP_403"), ZeroDivisionError()])
def test_its_error_is_that_of_whoever_asks(airtel, error):
    airtel.outcome = error
    exchange = Exchange(airtel, {})
    airtel.go.set()
    assert exchange.wait(10) is True
    with pytest.raises(type(error)):
        exchange.answer()


def test_the_answer_is_taken_when_it_comes(airtel):
    taken, done = [], threading.Event()
    exchange = Exchange(airtel, {})
    exchange.when_answered(lambda each: (taken.append(each.answer()), done.set()))
    assert not taken
    airtel.go.set()
    assert done.wait(10)
    assert taken == [ANSWER]


def test_an_answer_that_is_there_is_taken_at_once(airtel):
    exchange = Exchange(airtel, {})
    airtel.go.set()
    assert exchange.wait(10)
    taken = []
    exchange.when_answered(taken.append)
    assert taken == [exchange]


def test_an_error_of_who_takes_it_is_logged(airtel, caplog):
    exchange = Exchange(airtel, {})
    airtel.go.set()
    assert exchange.wait(10)
    with caplog.at_level(logging.ERROR):
        exchange.when_answered(lambda _exchange: 1 / 0)
    assert "ZeroDivisionError" in caplog.text
