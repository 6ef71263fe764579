# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl-3.0).
"""Limits the time of a whole HTTP exchange.

A socket's timeout limits each read only: a server that sends a byte now and then holds the caller
for ever. A watch shuts the sockets of one exchange when its time is over; pending and later reads
then end.
"""

import contextlib
import queue
import socket
import threading
from collections.abc import Callable
from typing import Any


def within(seconds: float, do: Callable[[], Any]) -> Any:
    """Return the result of a function, unless it takes too long.

    For work without a socket that could be shut, such as name resolution. After the time limit the
    function continues in a thread of its own, so it should end by itself.

    :param seconds: how long to wait
    :param do: called without arguments; its error is raised here
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
    """A context manager around one exchange, which ends with it.

    :param seconds: how long the exchange may take
    """

    def __init__(self, seconds: float):
        self._timer = threading.Timer(seconds, self._expire)
        self._timer.daemon = True
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self.expired = False
        """Whether the time was over before the exchange was."""

    @property
    def connected(self) -> bool:
        """Whether a connection was open and a request may have been sent."""
        return bool(self._sockets)

    def guard(self, connection: socket.socket) -> None:
        """Shut this socket, plain or TLS, when the time is over."""
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
    # The plain socket's method: TLS's own would remove its state while another thread reads.
    with contextlib.suppress(OSError):
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
