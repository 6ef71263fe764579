# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl-3.0).
"""Bounds an HTTP exchange as a whole.

A socket's timeout bounds each read only: a server that sends a byte now and then holds the caller
for ever. A watch shuts the sockets of one exchange when its time is up; pending and later reads
then end.
"""

import contextlib
import queue
import socket
import threading
from collections.abc import Callable
from typing import Any


def within(seconds: float, do: Callable[[], Any]) -> Any:
    """Return what a function returns, unless that takes too long.

    For what has no socket of ours to shut, such as the resolver of names. The function goes on in
    a thread of its own when nobody waits for it any more, so it should end some time.

    :param seconds: how long to wait
    :param do: called without arguments; what it raises is raised here
    :raises TimeoutError: when it takes longer
    """
    results: queue.SimpleQueue = queue.SimpleQueue()

    def run():
        try:
            results.put((do(), None))
        except Exception as error:  # noqa: BLE001 - raised by the caller
            results.put((None, error))

    threading.Thread(target=run, daemon=True).start()
    try:
        result, error = results.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError from None
    if error:
        raise error
    return result


class Watch:
    """Use as a context manager around one exchange; it ends with it.

    :param seconds: how long the exchange may take
    """

    def __init__(self, seconds: float):
        self._timer = threading.Timer(seconds, self._expire)
        self._timer.daemon = True
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self.expired = False
        """Whether the time was up before the exchange was over."""

    @property
    def connected(self) -> bool:
        """Whether a connection was open, so that a request may have been sent."""
        return bool(self._sockets)

    def guard(self, connection: socket.socket) -> None:
        """Shut this socket, plain or TLS, when the time is up."""
        with self._lock:
            self._sockets.append(connection)
            if self.expired:
                _shut(connection)

    def __enter__(self):
        self._timer.start()
        return self

    def __exit__(self, *exception):
        self._timer.cancel()

    def _expire(self) -> None:
        with self._lock:
            self.expired = True
            for connection in self._sockets:
                _shut(connection)


def _shut(connection: socket.socket) -> None:
    # The plain socket's method: TLS's own would take its state away under a reader in another
    # thread.
    with contextlib.suppress(OSError):
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
