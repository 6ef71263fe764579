# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl-3.0).
"""Asking something that may not answer at all, while somebody waits on the phone."""

import threading
import time
from queue import Empty, SimpleQueue


class AwayError(Exception):
    """What was asked does not answer."""


class Turn:
    """Whether the asker still waits for an answer: what is done for good is done for that only."""

    def __init__(self):
        self._lock = threading.Lock()
        self._is_taken = self._is_over = False

    def take(self) -> bool:
        """Say that the answer comes now; return whether it is still waited for."""
        with self._lock:
            self._is_taken = not self._is_over
            return self._is_taken

    def end(self) -> bool:
        """Stop waiting, unless the answer comes now; return whether it was stopped."""
        with self._lock:
            self._is_over = not self._is_taken
            return self._is_over


class Presence:
    """Remembers that something is away, and looks in the background whether it is back.

    :param probe: returns once it is back, raises while it is away; has a limit of its own
    :param patience: how many seconds an answer is waited for
    :param pause: how many seconds lie between two probes
    """

    def __init__(self, probe, patience: float = 0.3, pause: float = 1.0):
        self._probe = probe
        self._patience = patience
        self._pause = pause
        self._lock = threading.Lock()
        self._is_away = False

    @property
    def is_away(self) -> bool:
        """Whether nobody is asked at the moment."""
        return self._is_away

    def ask(self, work, is_gone=lambda _error: False):
        """Return what some work returns, unless it takes too long.

        :param work: called with a ``Turn`` in a thread of its own
        :param is_gone: called with an error of it; returns whether what was asked is away
        :raises AwayError: if it is away, or does not answer in time
        :raises Exception: what the work raised otherwise
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

        # A daemon, so that one that hangs keeps no process from ending
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
        """Look in the background until it is back; ask nobody meanwhile."""
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
