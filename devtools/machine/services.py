"""Starts programs that serve, waits until they do, and ends them all: them and nothing else."""

from __future__ import annotations

import random
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from .errors import ToolError
from .process import end_group, start_group, with_last_lines

HOST = "127.0.0.1"
STOP_SECONDS = 10
START_SECONDS = 120
_POLL_SECONDS = 0.05
# Below those that Linux gives to connections
_PORTS = range(10000, 32768)
_claims: list[socket.socket] = []


def port_is_free(port: int) -> bool:
    """Return whether a program could listen on this port of the loopback address."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def require_free_ports(ports: Mapping[str, int], command: str) -> None:
    """Check ports before anything is started.

    :param ports: the variable that sets a port, and the port.
    :param command: what the person typed, such as ``make run``.
    :raises ToolError: naming the first variable whose port is taken or used twice.
    """
    seen: dict[int, str] = {}
    for variable, port in ports.items():
        if port in seen:
            raise ToolError(
                f"{variable} and {seen[port]} are both {port}: give them different ports."
            )
        seen[port] = variable
        if not port_is_free(port):
            raise ToolError(
                f"Port {port} is taken by another program: end it, or choose another port, as in "
                f"`{command} {variable}={suggested_port(port)}`."
            )


def suggested_port(port: int) -> int:
    """Return a free port some way above a taken one."""
    candidates = range(port + 100, 65536, 100)
    return next((number for number in candidates if port_is_free(number)), free_port())


def free_port() -> int:
    """Return a port that nobody listens on, and that no other run of these tools takes.

    A program only listens on it some seconds later, or a minute on a busy machine. So the port is
    outside the range that the system gives to connections, and is claimed while this process lives.

    :raises ToolError: when every port is taken.
    """
    for port in random.sample(_PORTS, len(_PORTS)):
        claim = socket.socket(socket.AF_UNIX)
        with suppress(OSError):
            if sys.platform == "linux":
                # Such a name belongs to no file, and ends with the process
                claim.bind(f"\0airtel_ccp test port {port}")
            if port_is_free(port):
                _claims.append(claim)
                return port
        claim.close()
    raise ToolError("Every port is taken: end some programs.")


class Stopped(Exception):
    """The person, or whoever started us, asked for the end."""


class Service:
    """A program in a process group of its own, its output going to a file."""

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        log: Path,
        environ: Mapping[str, str],
        cwd: Path,
    ):
        """Start the program.

        :param name: how to call it to a person.
        """
        self.name = name
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as output:
            self.process = start_group(command, output, environ, cwd)

    def wait_until_serving(self, url: str, seconds: float = START_SECONDS) -> None:
        """Wait until the program answers HTTP at all.

        :raises ToolError: when it ends, or does not answer in time; shows its last lines.
        """
        deadline = time.monotonic() + seconds
        while not answers(url):
            self.require_alive()
            if time.monotonic() > deadline:
                raise ToolError(
                    f"{self.name} does not answer after {seconds:.0f} seconds; see {self.log}."
                )
            time.sleep(_POLL_SECONDS)

    def require_alive(self) -> None:
        """Check that the program still runs.

        :raises ToolError: when it has ended; shows its last lines.
        """
        if self.process.poll() is not None:
            raise ToolError(with_last_lines(f"{self.name} ended by itself.", self.log))

    def stop(self) -> None:
        """End the program and every process of its group."""
        end_group(self.process, signal.SIGTERM, STOP_SECONDS)


def answers(url: str) -> bool:
    """Return whether somebody answers HTTP at this address, whatever the status."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=60):
            return True
    except urllib.error.HTTPError as error:
        error.close()
        return True
    except OSError:
        return False


class Services:
    """Several programs, ended in reverse order."""

    def __init__(self, environ: Mapping[str, str], logs: Path, cwd: Path):
        self._environ = environ
        self._logs = logs
        self._cwd = cwd
        self._running: list[Service] = []

    def start(self, name: str, command: Sequence[str | Path]) -> Service:
        """Start one more program.

        :param name: how to call it to a person; also names its log.
        """
        service = Service(
            name, command, self._logs / f"{name.lower()}.log", self._environ, self._cwd
        )
        self._running.append(service)
        return service

    def wait(self) -> None:
        """Wait until one of the programs ends by itself.

        :raises ToolError: when one does.
        """
        while True:
            for service in self._running:
                service.require_alive()
            time.sleep(0.5)

    def stop(self) -> None:
        """End all of them."""
        with ExitStack() as stack:
            for service in self._running:
                stack.callback(service.stop)
            self._running.clear()


@contextmanager
def running(environ: Mapping[str, str], logs: Path, cwd: Path) -> Iterator[Services]:
    """Provide a place to start programs in; they end with the block, however it ends."""
    services = Services(environ, logs, cwd)
    try:
        yield services
    finally:
        services.stop()


@contextmanager
def stop_signals() -> Iterator[None]:
    """Turn the first Ctrl-C, SIGTERM or SIGHUP into :class:`Stopped` and ignore further ones.

    Ignoring them, up to the end of this process, lets the orderly end that follows run through,
    even when a person presses Ctrl-C twice or ``make`` passes on what the terminal has sent.
    """
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def stop(number, frame):
        for each in numbers:
            signal.signal(each, signal.SIG_IGN)
        raise Stopped

    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            if signal.getsignal(number) is stop:
                signal.signal(number, handler)
