"""The load generator: sends ready-made requests at a constant rate, or as fast as it can.

Latency counts from the time at which a request should have been sent, so a server that stalls is
charged for everything that waits meanwhile. Reading stops at Content-Length: Werkzeug closes a
connection up to 10 ms after the answer is complete. The generator is a process of its own with one
thread: neither Odoo nor the measuring process delays it.
"""

from __future__ import annotations

import collections
import gc
import multiprocessing
import select
import socket
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

TIMEOUT_SECONDS = 180
# Odoo's socket queues eight connections for each worker. A further one is dropped and retried after
# a second, which would pause the generator's one thread and everything that it sends
QUEUED = 24
CHUNK = 65536


@dataclass(frozen=True)
class Job:
    """What to send.

    :param requests: whole HTTP requests, each sent once.
    :param rate: requests a second; None to send the next one as soon as one is answered.
    :param connections: how many requests may be in progress at once; others wait, and their
        latency counts from the time at which they were due.
    :param seconds: when to stop sending even if requests are left.
    """

    port: int
    requests: Sequence[bytes]
    rate: float | None = None
    connections: int = 4
    seconds: float = 3600


@dataclass
class Outcome:
    """The results of a job.

    ``latencies`` and ``statuses`` are in the order of the answers, ``positions`` are the requests'
    positions. Status 0 is a broken connection or a missing answer.
    """

    latencies: list[float] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def accepted(self) -> int:
        """How many requests were answered 200."""
        return self.statuses.count(200)

    @property
    def per_second(self) -> float:
        """How many requests per second were answered 200."""
        return self.accepted / self.seconds if self.seconds else 0.0

    def require_accepted(self, what: str) -> None:
        """Check that every request was answered 200.

        :param what: what was sent, in words.
        :raises RuntimeError: when another status came.
        """
        if set(self.statuses) != {200}:
            raise RuntimeError(f"{what}: not every request was answered 200")


def intended_times(count: int, rate: float) -> list[float]:
    """Return when each request should be sent, in seconds after the start."""
    return [number / rate for number in range(count)]


def request_bytes(path: str, body: bytes, headers: dict[str, str] | None = None) -> bytes:
    """Return a whole POST request."""
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if not headers or "Content-Type" not in headers:
        lines.append("Content-Type: application/json")
    lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def _length(head: bytes) -> int | None:
    for line in head.split(b"\r\n")[1:]:
        name, _colon, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            return int(value)
    return None


class _Exchange:
    """One request and its answer, over a new connection or one that was kept open."""

    __slots__ = ("at", "data", "position", "until", "wire")

    def __init__(self, wire, position, at):
        self.wire = wire
        self.position = position
        self.at = at
        self.data = b""
        self.until = time.perf_counter() + TIMEOUT_SECONDS

    def read(self):
        """Read what has arrived; return the status once the answer is complete, else None."""
        try:
            chunk = self.wire.recv(CHUNK)
        except BlockingIOError:
            return None
        except OSError:
            return 0
        self.data += chunk
        head, mark, body = self.data.partition(b"\r\n\r\n")
        if mark:
            length = _length(head)
            if (length is not None and len(body) >= length) or (length is None and not chunk):
                return int(head.split(b" ", 2)[1])
        return None if chunk else 0

    @property
    def stays_open(self):
        """Whether the server allows further requests on this connection."""
        head = self.data.partition(b"\r\n\r\n")[0].lower()
        return head.startswith(b"http/1.1") and b"connection: close" not in head


def send(job: Job) -> Outcome:
    """Send a job's requests and return the results, after all are answered."""
    gc.disable()
    try:
        return _Sender(job).run()
    finally:
        gc.enable()


class _Sender:
    def __init__(self, job):
        self._job = job
        self._outcome = Outcome()
        self._under_way: dict[int, _Exchange] = {}
        self._kept: list[socket.socket] = []

    def run(self):
        job = self._job
        start = time.perf_counter()
        stop = start + job.seconds
        due = collections.deque(
            enumerate(intended_times(len(job.requests), job.rate) if job.rate else job.requests)
        )
        while due or self._under_way:
            now = time.perf_counter()
            while due and len(self._under_way) < job.connections and now < stop:
                position, offset = due[0]
                at = start + offset if job.rate else now
                if at > now:
                    break
                due.popleft()
                self._begin(position, at)
                now = time.perf_counter()
            if now >= stop:
                due.clear()
            self._wait(start + due[0][1] - now if due and job.rate else 0.5)
        self._outcome.seconds = time.perf_counter() - start
        for wire in self._kept:
            wire.close()
        return self._outcome

    def _begin(self, position, at):
        data = self._job.requests[position]
        wire = self._kept.pop() if self._kept else None
        if wire is None:
            wire = socket.create_connection(("127.0.0.1", self._job.port), TIMEOUT_SECONDS)
            wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            wire.setblocking(False)
        exchange = _Exchange(wire, position, at)
        self._under_way[wire.fileno()] = exchange
        try:
            # The kernel's buffer has room for a whole report
            if wire.send(data) != len(data):
                self._end(exchange, 0)
        except OSError:
            self._end(exchange, 0)

    def _wait(self, seconds):
        full = len(self._under_way) >= self._job.connections
        timeout = 0.5 if full else max(0.0, min(seconds, 0.5))
        # Unlike poll, select can wait for fractions of a millisecond
        for number in select.select(list(self._under_way), [], [], timeout)[0]:
            exchange = self._under_way[number]
            status = exchange.read()
            if status is not None:
                self._end(exchange, status)
        now = time.perf_counter()
        for exchange in [each for each in self._under_way.values() if each.until < now]:
            self._end(exchange, 0)

    def _end(self, exchange, status):
        outcome = self._outcome
        outcome.latencies.append(time.perf_counter() - exchange.at)
        outcome.statuses.append(status)
        outcome.positions.append(exchange.position)
        del self._under_way[exchange.wire.fileno()]
        if status and exchange.stays_open:
            self._kept.append(exchange.wire)
        else:
            exchange.wire.close()


class Generator:
    """The load generator's process."""

    def __enter__(self):
        self._pool = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))
        return self

    def __exit__(self, *_exception):
        self._pool.shutdown()

    def send(self, job: Job) -> Outcome:
        """Send a job and wait for its outcome."""
        return self.start(job).result()

    def start(self, job: Job):
        """Send a job in the background; return a future of its outcome."""
        return self._pool.submit(send, job)
