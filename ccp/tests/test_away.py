import threading
import time

import pytest

from ccp.safe.away import AwayError, Presence


class Probe:
    def __init__(self):
        self.is_back = threading.Event()
        self.asked = 0

    def __call__(self):
        self.asked += 1
        if not self.is_back.is_set():
            raise OSError("away")


@pytest.fixture
def probe():
    probe = Probe()
    yield probe
    probe.is_back.set()


@pytest.fixture
def presence(probe):
    return Presence(probe, patience=0.2, pause=0.01)


def wait_for(condition):
    until = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.005)


def test_an_answer(presence):
    assert presence.ask(lambda turn: turn.take()) is True
    assert not presence.is_away


def test_an_error_of_the_work_is_raised(presence):
    def fail(_turn):
        raise KeyError("mine")

    with pytest.raises(KeyError):
        presence.ask(fail)
    assert not presence.is_away


def test_who_is_gone_is_not_asked_until_it_is_back(presence, probe):
    def fail(_turn):
        raise OSError("refused")

    with pytest.raises(AwayError):
        presence.ask(fail, lambda error: isinstance(error, OSError))
    asked = []
    with pytest.raises(AwayError):
        presence.ask(asked.append)
    assert asked == []
    wait_for(lambda: probe.asked > 2)
    assert presence.is_away
    probe.is_back.set()
    wait_for(lambda: not presence.is_away)
    assert presence.ask(lambda _turn: 7) == 7


def test_who_does_not_answer_is_waited_for_once(presence):
    hangs = threading.Event()
    took = []

    def hang(turn):
        hangs.wait()
        took.append(turn.take())

    began = time.monotonic()
    with pytest.raises(AwayError):
        presence.ask(hang)
    waited = time.monotonic()
    assert waited - began < 1
    for _time in range(1000):
        with pytest.raises(AwayError):
            presence.ask(hang)
    assert time.monotonic() - waited < 0.15
    # What comes too late does nothing for good
    hangs.set()
    wait_for(lambda: took)
    assert took == [False]


def test_what_comes_at_the_last_moment_counts(presence):
    def slow(turn):
        assert turn.take()
        time.sleep(0.3)
        return "late"

    assert presence.ask(slow) == "late"
    assert not presence.is_away
