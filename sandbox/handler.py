"""Answers HTTP requests: the API, the recordings, and the ledger for tests and tools."""

import base64
import binascii
import hmac
import json
import logging
import re
import socket
import struct
import time
from http.server import BaseHTTPRequestHandler

from . import incoming_scripts, scripts
from .airtel_numbers import read_number
from .errors import REQUEST_NULL, ROWS, RefusedError, gateway_body
from .incoming import TooManyError
from .recording import UNSATISFIABLE, etag_of, parse_range, recording_of
from .reports import masked
from .switches import SWITCHES
from .validation import load_object, read_order, readable

_logger = logging.getLogger("sandbox")

SLOW_SECONDS = 5.0
FIRST_CALLBACK_SECONDS = 5.0
# How many bytes, and for how many seconds, a client may continue to send after its 413.
MOST_DRAINED = 16 * 1024 * 1024
LINGER_SECONDS = 2
_RECORDING_PATH = re.compile(r"/recordings/([0-9a-f-]{36})\.wav")
# Section 2 shows them with the sample response.
_API_HEADERS = (
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Allow-Credentials", "true"),
)


class _BodyTooLargeError(Exception):
    """The request's body is above the limit."""


class Handler(BaseHTTPRequestHandler):
    """One connection to the sandbox; ``server.sandbox`` is the Sandbox."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    # Seconds for a silent client: every wait has an end.
    timeout = 30

    @property
    def sandbox(self):
        """The Sandbox that this request is for."""
        return self.server.sandbox

    def version_string(self):
        """Return the Server header's value."""
        return "AirtelCCPSandbox"

    def log_message(self, *_arguments):
        """Do not log request lines: they contain recording tokens."""

    def handle_any(self):
        """Call the part of the sandbox that handles a path."""
        path, _mark, query = self.path.partition("?")
        if path == "/sandbox" or path.startswith("/sandbox/"):
            self.control(path)
        elif path.startswith("/recordings/"):
            self.recording(path, query)
        elif path.endswith(self.sandbox.settings.path):
            self.api(path)
        elif self.command == "POST":
            self.unknown_path(path)
        else:
            self.discard_body()
            self.reply(404, gateway_body(404))

    do_GET = handle_any
    do_HEAD = handle_any
    do_POST = handle_any
    do_PUT = handle_any
    do_PATCH = handle_any
    do_DELETE = handle_any
    do_OPTIONS = handle_any

    def unknown_path(self, path):
        """Note a POST to another path in the ledger: a wrong path setting is a usual mistake."""
        entry = self.sandbox.ledger.open(path)
        entry.set(reason="no such path")
        self.discard_body()
        self.finish_refusal(entry, 404, gateway_body(404), None)

    def api(self, path):
        """Answer at the API's path (sections 1.1 to 1.4 and 2)."""
        if self.command != "POST":
            self.discard_body()
            self.reply(405, gateway_body(405), [("Allow", "POST")])
            return
        self.sandbox.count_busy(1)
        try:
            self.place_call(self.sandbox.ledger.open(path))
        finally:
            self.sandbox.count_busy(-1)

    def place_call(self, entry):
        """Check the request and answer it, as its customer's script says."""
        try:
            raw = self.read_body(self.sandbox.settings.max_body)
        except _BodyTooLargeError:
            entry.set(reason="the body is too large")
            self.finish_refusal(entry, 413, gateway_body(413), None)
            self.linger()
            return
        if not self.is_authorized():
            entry.set(reason="user or password is wrong or missing")
            self.finish_refusal(entry, 401, gateway_body(401), None)
            return
        entry.set(body=readable(raw))
        try:
            content_type = self.headers.get("Content-Type", "").partition(";")[0].strip().lower()
            if content_type != "application/json":
                # The specification's statuses (4.2) have no 415. What isn't declared as JSON is a
                # bad request, and of the codes for those only this one is about the body as such.
                raise RefusedError(REQUEST_NULL, "the content type is not application/json")
            order = read_order(raw, self.sandbox.settings, self.sandbox.agent_pool)
        except RefusedError as refusal:
            entry.set(reason=refusal.reason, errorCode=refusal.row.code)
            self.finish_refusal(entry, refusal.row.status, refusal.row.body(), None)
            return
        script = self.sandbox.script_of(order.customer_number)
        entry.set(script=script.name, remarks=list(order.remarks))
        for remark in order.remarks:
            _logger.warning("Remark on the next POST: %s", remark)
        if script.calls:
            self.answer_call(entry, order, script)
        else:
            self.answer_without_call(entry, order, script)

    def answer_without_call(self, entry, order, script):
        """Answer for a script that rings no phone."""
        number = order.customer_number
        entry.set(reason=f"script {script.name}")
        if script.reply == "reset":
            self.log_post(number, f"{script.name}, connection reset")
            self.reset_connection()
        elif script.reply == "error":
            row = ROWS[script.error_key]
            entry.set(errorCode=row.code)
            self.finish_refusal(entry, row.status, row.body(), number)
        else:
            self.finish_refusal(entry, script.reply, gateway_body(script.reply), number)

    def answer_call(self, entry, order, script):
        """Answer 200, or as the script demands, and let the phones ring."""
        if script.reply == "slow":
            self.sandbox.stopping.wait(SLOW_SECONDS / self.sandbox.settings.speed)
        call = self.sandbox.prepare_call(order, script, entry)
        self.log_post(order.customer_number, f"{script.name}, {call.identity.correlation_id}")
        answer = json.dumps(
            {"status": "success", "correlationId": call.identity.correlation_id}
        ).encode()
        if script.reply == "broken":
            answer = answer[: len(answer) // 2]
        if script.reply in ("callback_first", "hang"):
            call.start()
        if script.reply == "hang":
            self.hang()
            return
        if script.reply == "callback_first":
            call.begun.wait(FIRST_CALLBACK_SECONDS)
        # Before it is sent: a client that has the answer must find it in the ledger.
        entry.set(status=200)
        try:
            self.send_bytes(200, answer, [("Content-Type", "application/json"), *_API_HEADERS])
        finally:
            if script.reply != "callback_first":
                call.start()

    def hang(self):
        """Keep the request open without an answer until the client disconnects or time is over."""
        self.close_connection = True
        self.connection.settimeout(0.1)
        deadline = time.monotonic() + self.sandbox.settings.hang_seconds
        while time.monotonic() < deadline and not self.sandbox.stopping.is_set():
            try:
                if not self.connection.recv(1, socket.MSG_PEEK):
                    return
            except TimeoutError:
                continue
            # The client has sent more, which stays unread.
            self.sandbox.stopping.wait(0.1)

    def reset_connection(self):
        """End the connection with a reset instead of an answer."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.rfile.close()
        self.connection.close()

    def is_authorized(self):
        """Return whether the Authorization header has the account's user and password (1.1)."""
        kind, _blank, value = self.headers.get("Authorization", "").partition(" ")
        if kind.lower() != "basic":
            return False
        try:
            given = base64.b64decode(value.strip(), validate=True)
        except (binascii.Error, ValueError):
            return False
        settings = self.sandbox.settings
        return hmac.compare_digest(given, f"{settings.user}:{settings.password}".encode())

    def finish_refusal(self, entry, status, body, number):
        """Answer a request that places no call, and log it.

        :param number: the customer's number, or None if the request has none
        """
        entry.set(status=status)
        code = entry.get("errorCode")
        self.log_post(
            number, " ".join(filter(None, (str(status), code, f"({entry.get('reason')})")))
        )
        headers = list(_API_HEADERS)
        if status == 401:
            headers.append(("WWW-Authenticate", 'Basic realm="Airtel CCP sandbox"'))
        self.reply(status, body, headers)

    def log_post(self, number, what):
        """Log one POST in one line."""
        user = self.sandbox.settings.user if self.is_authorized() else "somebody unknown"
        _logger.info("POST from %s%s -> %s", user, f": {masked(number)}" if number else "", what)

    def recording(self, path, query):
        """Serve a recording to whoever has its token (sections 1 and 1.6)."""
        self.discard_body()
        if self.command not in ("GET", "HEAD"):
            self.reply(405, gateway_body(405), [("Allow", "GET, HEAD")])
            return
        match = _RECORDING_PATH.fullmatch(path)
        call, token = self.sandbox.find_call(match.group(1)) if match else (None, None)
        if call is None:
            self.reply(404, gateway_body(404))
            return
        # Compared raw: a client that decodes and encodes the token again must fail.
        expected = f"token={token}".encode()
        if not hmac.compare_digest(query.encode(), expected):
            self.reply(403, gateway_body(403))
            return
        if not call.recording_url or not call.recording_is_there:
            self.reply(404, gateway_body(404))
            return
        self.send_recording(*recording_of(call.story, call.identity))

    def send_recording(self, content, content_type):
        """Send a recording, or the one range of it that is asked for."""
        size = len(content)
        etag = etag_of(content)
        headers = [("ETag", etag), ("Accept-Ranges", "bytes"), ("Cache-Control", "private")]
        if etag in self.headers.get("If-None-Match", ""):
            self.send_bytes(304, None, headers)
            return
        asked = self.headers.get("Range") if self.command == "GET" else None
        if self.headers.get("If-Range", etag) != etag:
            asked = None
        span = parse_range(asked, size)
        if span == UNSATISFIABLE:
            self.send_bytes(416, b"", [*headers, ("Content-Range", f"bytes */{size}")])
            return
        headers.append(("Content-Type", content_type))
        if span is None:
            self.send_bytes(200, content, headers)
            return
        first, last = span
        headers.append(("Content-Range", f"bytes {first}-{last}/{size}"))
        self.send_bytes(206, content[first : last + 1], headers)

    def control(self, path):
        """Answer requests below /sandbox: the ledger and the scripts."""
        try:
            raw = self.read_body(self.sandbox.settings.max_body)
        except _BodyTooLargeError:
            self.reply(413, gateway_body(413))
            self.linger()
            return
        if self.command != "GET" and "Origin" in self.headers:
            # A page in a browser must not control a sandbox on the same machine
            self.reply(403, gateway_body(403))
            return
        call_id = path.removeprefix("/sandbox/ring/")
        if call_id != path:
            actions = {"GET": lambda _raw: self.control_call(call_id)}
        else:
            actions = {
                "/sandbox/health": {"GET": self.control_health},
                "/sandbox/calls": {"GET": self.control_calls, "DELETE": self.control_clear},
                "/sandbox/scripts": {"GET": self.control_scripts},
                "/sandbox/script": {"POST": self.control_assign},
                "/sandbox/ring": {"GET": self.control_choices, "POST": self.control_ring},
                "/sandbox/incoming": {
                    "GET": self.control_incoming,
                    "DELETE": self.control_clear_incoming,
                },
                "/sandbox/numbers": {"GET": self.control_numbers},
                "/sandbox/number": {"POST": self.control_number},
            }.get(path)
        if actions is None or self.command not in actions:
            status = 404 if actions is None else 405
            self.reply(status, gateway_body(status))
            return
        actions[self.command](raw)

    def control_health(self, _raw):
        """Say that the sandbox serves."""
        self.reply(200, {"status": "ok"})

    def control_calls(self, _raw):
        """Send the ledger."""
        self.reply(200, self.sandbox.calls())

    def control_clear(self, _raw):
        """Empty the ledger of POSTs."""
        self.sandbox.ledger.clear()
        self.reply(200, {"status": "ok"})

    def control_scripts(self, _raw):
        """Send the table of scripts."""
        self.reply(
            200,
            [
                {"name": script.name, "number": script.number, "summary": script.summary}
                for script in scripts.SCRIPTS
            ],
        )

    def control_assign(self, raw):
        """Assign a script to a number."""
        try:
            wish = json.loads(raw)
            if not isinstance(wish, dict) or not {"number", "script"} <= set(wish):
                raise ValueError('Send {"number": "10 digits", "script": "a name or null"}.')
            self.sandbox.assign_script(wish["number"], wish["script"])
        except (ValueError, TypeError, RecursionError) as error:
            self.reply(400, {"message": str(error)})
            return
        self.reply(200, {"status": "ok"})

    def control_choices(self, _raw):
        """Send what can be chosen for an incoming call."""
        choices = {
            "scripts": [
                {"name": script.name, "number": script.number, "summary": script.summary}
                for script in incoming_scripts.SCRIPTS
            ],
            "switches": [
                {
                    "name": switch.name,
                    "choices": switch.choices,
                    "default": switch.default,
                    "summary": switch.summary,
                    "unproven": switch.unproven,
                }
                for switch in SWITCHES
            ],
        }
        self.reply(200, choices)

    def control_ring(self, raw):
        """Let a customer call an Airtel number."""
        try:
            call_id = self.sandbox.incoming.ring(_wish(raw))
        except ValueError as error:
            self.reply(400, {"message": str(error)})
        except TooManyError as error:
            self.reply(429, {"message": str(error)})
        else:
            self.reply(200, {"id": call_id})

    def control_call(self, call_id):
        """Send one incoming call."""
        call = self.sandbox.incoming_call(call_id)
        if call is None:
            self.reply(404, {"message": "The sandbox remembers no incoming call with this id."})
        else:
            self.reply(200, call)

    def control_incoming(self, _raw):
        """Send the incoming calls."""
        self.reply(200, self.sandbox.incoming_calls())

    def control_clear_incoming(self, _raw):
        """Empty the ledger of incoming calls."""
        self.sandbox.incoming.ledger.clear()
        self.reply(200, {"status": "ok"})

    def control_numbers(self, _raw):
        """Send what happens with calls to each Airtel number."""
        numbers = self.sandbox.incoming.numbers.all()
        self.reply(200, [{"number": name, **line.public()} for name, line in numbers.items()])

    def control_number(self, raw):
        """Change what happens with calls to an Airtel number."""
        try:
            self.sandbox.incoming.numbers.set(*read_number(_wish(raw)))
        except ValueError as error:
            self.reply(400, {"message": str(error)})
            return
        self.reply(200, {"status": "ok"})

    def body_length(self):
        """Return the request's Content-Length; 0 if it is missing or cannot be read."""
        text = self.headers.get("Content-Length", "0").strip()
        if self.headers.get("Transfer-Encoding") or not text.isascii() or not text.isdigit():
            # The body's length is unknown, so nothing after it can be read either.
            self.close_connection = True
            return 0
        return int(text[:18])

    def read_body(self, limit):
        """Return the request's body.

        :param limit: bytes
        :raises _BodyTooLargeError: when the body is larger; it is still to be read
        """
        length = self.body_length()
        if length > limit:
            self.close_connection = True
            raise _BodyTooLargeError
        return self.rfile.read(length)

    def discard_body(self):
        """Read the request's body and ignore it; a large one is not read at all."""
        length = self.body_length()
        if length > self.sandbox.settings.max_body:
            self.close_connection = True
            return
        self.rfile.read(length)

    def linger(self):
        """Let a client finish sending: a connection reset would cost it the answer."""
        self.connection.shutdown(socket.SHUT_WR)
        self.connection.settimeout(LINGER_SECONDS)
        left = MOST_DRAINED
        while left > 0:
            try:
                chunk = self.rfile.read1(64 * 1024)
            except TimeoutError:
                return
            if not chunk:
                return
            left -= len(chunk)

    def reply(self, status, body, headers=()):
        """Send a JSON answer."""
        content = json.dumps(body).encode()
        self.send_bytes(status, content, [("Content-Type", "application/json"), *headers])

    def send_bytes(self, status, content, headers):
        """Send an answer; content None is for a status without a body."""
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if content is not None:
            self.send_header("Content-Length", str(len(content)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if content and self.command != "HEAD":
            self.wfile.write(content)


def _wish(raw):
    try:
        return load_object(raw)
    except ValueError as error:
        raise ValueError(f"Send a JSON object: {error}.") from error
