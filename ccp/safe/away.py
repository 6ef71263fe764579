# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl-3.0).
"""Asks something that may not answer at all, while a caller waits on the phone."""

import threading
import time
from queue import Empty, SimpleQueue


class AwayError(Exception):
    """The thing that was asked does not answer."""


class Turn:
    """Whether the caller still waits for an answer; only then are lasting changes made."""

    def __init__(self):
        self._lock = threading.Lock()
        self._is_taken = self._is_over = False

    def take(self) -> bool:
        """Start to answer; return whether the answer is still waited for."""
        with self._lock:
            self._is_taken = not self._is_over
            return self._is_taken

    def end(self) -> bool:
        """Stop waiting, unless the answer has started; return whether waiting stopped."""
        with self._lock:
            self._is_over = not self._is_taken
            return self._is_over


class Presence:
    """Remembers that something is away, and checks in the background whether it is back.

    :param probe: returns once it is back, raises while it is away; has a time limit of its own
    :param patience: how many seconds to wait for an answer
    :param pause: how many seconds to wait between two probes
    """

    def __init__(self, probe, patience: float = 0.3, pause: float = 1.0):
        self._probe = probe
        self._patience = patience
        self._pause = pause
        self._lock = threading.Lock()
        self._is_away = False

    @property
    def is_away(self) -> bool:
        """Whether questions are refused at the moment."""
        return self._is_away

    def ask(self, work, is_gone=lambda _error: False):
        """Return the result of some work, unless it takes too long.

        :param work: called with a ``Turn`` in a thread of its own
        :param is_gone: called with the work's error; returns whether that means it is away
        :raises AwayError: if it is away, or does not answer in time
        :raises Exception: any other error of the work
        """
        if self._is_away:
            raise AwayError("away")
        turn = Turn()
        answers: SimpleQueue = SimpleQueue()

        def run():
            try:
                answers.put((work(turn), None))
            except BaseException as error:  # noqa: BLE001 - the asker raises it
                answers.put((None, error))

        # A daemon: a thread that hangs must not keep the process from ending
        threading.Thread(target=run, name="airtel_ccp.ask", daemon=True).start()
        try:
            result, error = answers.get(timeout=self._patience)
        except Empty:
            if turn.end():
                self._look()
                raise AwayError("no answer") from None
            try:
                result, error = answers.get(timeout=self._patience)
            except Empty:
                self._look()
                raise AwayError("no answer") from None
        if error is None:
            return result
        if is_gone(error):
            self._look()
            raise AwayError(type(error).__name__) from error
        raise error

    def _look(self):
        """Check in the background until it is back; refuse questions meanwhile."""
        with self._lock:
            if self._is_away:
                return
            self._is_away = True
        threading.Thread(target=self._wait, name="airtel_ccp.probe", daemon=True).start()

    def _wait(self):
        while True:
            try:
                self._probe()
            except Exception:  # noqa: BLE001 - whatever it is, it is not back
                time.sleep(self._pause)
            else:
                self._is_away = False
                return
