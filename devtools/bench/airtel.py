"""A mock of Airtel for time: answers each request after the same while, and never reports.

The sandbox tells stories; this one only keeps time, in a process of its own:
``python -m devtools.bench.airtel PORT SECONDS``. ``GET /seen`` returns for each answered request
whom it called and how long it was held; ``GET /asked`` returns where each wants its reports, from
its arrival on; ``GET /recording/BYTES`` is a sound of that length.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
import time
import urllib.parse
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import requests

from ..machine.services import free_port
from .stack import wait_until

CHUNK = 64 * 1024
WAVE = b"RIFF\xff\xff\xff\xffWAVEfmt "
_lock = threading.Lock()
_seen: list[dict] = []
_asked: list[dict] = []


class _Handler(BaseHTTPRequestHandler):
    delay = 0.5

    def do_POST(self):
        began = time.perf_counter()
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with _lock:
            _asked.append(_callback(body))
        time.sleep(_Handler.delay)
        answer = json.dumps({"correlationId": str(uuid.uuid4())}).encode()
        with _lock:
            _seen.append({"number": _customer(body), "seconds": time.perf_counter() - began})
        self._send(answer, "application/json")

    def do_GET(self):
        _empty, what, *words = self.path.split("/")
        if what == "recording":
            self._recording(int(words[0]))
        else:
            told = _asked if what == "asked" else _seen
            with _lock:
                content = json.dumps(told).encode()
                told.clear()
            self._send(content, "application/json")

    def _send(self, content, content_type, length=None):
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(length or len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _recording(self, length):
        self._send(WAVE, "audio/wav", length)
        left = length - len(WAVE)
        chunk = bytes(CHUNK)
        with contextlib.suppress(OSError):
            while left > 0:
                self.wfile.write(chunk[: min(left, CHUNK)])
                left -= CHUNK

    def log_message(self, *_arguments):
        pass


def _customer(body):
    flow = body.get("callFlowConfiguration") or {}
    for name, component in flow.items():
        if name.startswith("addParticipant"):
            return component["participants"][0]["participantAddress"]
    return ""


def _callback(body):
    """Return the path and the headers with which the first component asks for reports."""
    components = (body.get("callFlowConfiguration") or {}).values()
    callbacks = next(
        (each["callBackURLs"] for each in components if each.get("callBackURLs")), [{}]
    )
    path = urllib.parse.urlsplit(callbacks[0].get("notifyURL", "")).path
    return {"path": path, "headers": callbacks[0].get("headers", {})}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256


class Airtel:
    """The mock's process, which runs as long as this context manager."""

    def __init__(self, seconds: float):
        """:param seconds: how long it holds each request"""
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._seconds = seconds

    def __enter__(self) -> Airtel:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "devtools.bench.airtel", str(self.port), str(self._seconds)],
            cwd=Path(__file__).resolve().parents[2],
            stdin=subprocess.DEVNULL,
        )
        wait_until(self._answers, 30, "the mock of Airtel does not answer")
        return self

    def __exit__(self, *_exception) -> None:
        self._process.terminate()
        self._process.wait()

    def _answers(self) -> bool:
        with contextlib.suppress(requests.ConnectionError):
            self.seen()
            return True
        return False

    def seen(self) -> list[dict]:
        """Return the requests since the last call: ``number``, and ``seconds`` that it was held."""
        return self._get("seen")

    def asked(self) -> list[dict]:
        """Return where requests since the last call want reports: ``path`` and ``headers``."""
        return self._get("asked")

    def _get(self, path):
        return requests.get(f"{self.url}/{path}", timeout=30).json()


if __name__ == "__main__":
    _Handler.delay = float(sys.argv[2])
    _Server(("127.0.0.1", int(sys.argv[1])), _Handler).serve_forever()
