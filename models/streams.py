"""Limits how many recordings a server's own workers send at once.

A worker that sends a file does nothing else until the listener has all of it. Behind a web server
that sends the files itself (``x_sendfile``), none of this is used.
"""

import logging
import socket
import time
from pathlib import Path

from odoo.tools import config

from ..ccp.safe.faults import name_of
from ..ccp.safe.slots import Slots

_logger = logging.getLogger(__name__)

# How long one stream may last, as a share of ``limit_time_real``, at which Odoo kills the worker or
# restarts a server with threads. The browser requests the rest by itself
SHARE_OF_LIMIT = 0.8
LIMIT_SECONDS = 120
# How long a server with threads waits for a listener who reads nothing. A worker waits 2 seconds
STALL_SECONDS = 10


def folder():
    """Return the folder of slots of the servers that share a data folder; each has its own.

    :rtype: pathlib.Path
    """
    return Path(config["data_dir"]) / "airtel_ccp" / ".streams"


def most_at_once():
    """Return how many recordings this server may send at once.

    All workers but one, which takes reports and clicks meanwhile. A server with threads has as
    many as its connections to the database allow; a quarter of these may listen.

    :rtype: int
    """
    return max(1, config["workers"] - 1 if config["workers"] else config["db_maxconn"] // 4)


def take_slot():
    """Take a slot for sending one recording.

    :return: a slot to release, see ``ccp.safe.slots.Slot``; None if all are taken
    :rtype: airtel_ccp.ccp.safe.slots.Slot | None
    """
    server = f"{socket.gethostname()}-{config['http_port']}"
    try:
        return Slots(folder() / server, most_at_once()).take()
    except OSError as error:
        # Without a count listeners could take every worker
        _logger.error(
            "No recording is sent: Odoo's data folder does not take the addon's files (%s)",
            name_of(error),
        )
        return None


def _seconds():
    return SHARE_OF_LIMIT * (config["limit_time_real"] or LIMIT_SECONDS)


class Stream:
    """The bytes of an answer while they are sent, and the slot that they occupy.

    :param chunks: the answer's own iterable
    :param int length: their number
    :param airtel_ccp.ccp.safe.slots.Slot slot: released with the last bytes, when the listener
        disconnects, and when the time is over
    """

    def __init__(self, chunks, length, slot):
        self._chunks = chunks
        self._iterator = iter(chunks)
        self._left = length
        self._slot = slot
        self._until = time.monotonic() + _seconds()

    def __iter__(self):
        return self

    def __next__(self):
        if time.monotonic() > self._until:
            raise StopIteration
        chunk = next(self._iterator)
        self._left -= len(chunk)
        if self._left <= 0:
            # Before the last bytes are sent, because the player's next request may follow at once
            self._slot.release()
        return chunk

    def close(self):
        """Release everything; the server calls this however the request ends."""
        try:
            if hasattr(self._chunks, "close"):
                self._chunks.close()
        finally:
            self._slot.release()
