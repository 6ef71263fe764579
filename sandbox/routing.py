"""Asks the receiver whom an incoming call should ring, like Airtel's flow, and reads the answer.

The specification does not describe this; questions and answers are those of public programs.
"""

import http.client
import json
import re
import threading
import time
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

from .posting import open_connection, shut
from .validation import (
    MAX_RETRIES,
    NUMBER,
    PARALLEL,
    SEQUENTIAL,
    Component,
    Participant,
    load_object,
)

COMPONENT = "client_add_participant"
# The largest answer in bytes, and the largest number of phones for one call.
MOST_ANSWERED = 64 * 1024
MOST_PARTICIPANTS = 20

_NAME = re.compile(r"[A-Za-z0-9_]{1,64}")
_FIELDS = {
    "participantName",
    "participantAddress",
    "callerId",
    "maxRetries",
    "audioId",
    "maxTime",
    "enableEarlyMedia",
}


class RouteError(Exception):
    """There is no valid answer; the text is a sentence that says why."""


@dataclass(frozen=True)
class Candidate(Participant):
    """A phone in an answer; ``own`` contains the keys that the receiver added."""

    max_time: int = 0
    own: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """The phones that an answer asks to ring.

    ``max_time`` is the whole call's, in seconds; 0: no limit. ``remarks`` are oddities that Airtel
    may accept, in plain words.
    """

    component: Component
    max_time: int = 0
    remarks: tuple = ()


@dataclass(frozen=True)
class Question:
    """The request for the phones that a call should ring.

    :param order: incoming_story.IncomingOrder
    :param line: airtel_numbers.AirtelNumber
    :param switches: dict of all switches
    """

    order: object
    line: object
    switches: dict

    @property
    def values(self):
        """The values in Airtel's names; numbers are written as the switches say."""
        spelled = self.order.spelled
        numbers = [spelled(self.order.customer), spelled(self.order.airtel_number)]
        if self.switches["routeSwapped"]:
            numbers.reverse()
        values = dict(zip(("callingParticipant", "callerId"), numbers, strict=True))
        if self.order.digit is not None:
            values["dialKey"] = self.order.digit
        return values

    @property
    def method(self):
        """The request's method."""
        return "GET" if self.switches["routeForm"] == "get" else "POST"

    @property
    def authentication(self):
        """The request's authentication in words, without the secret."""
        headers = self.line.headers("route", self.switches["secret"])
        if not headers:
            return "none"
        name, value = headers[0]
        kind = "Basic" if value.startswith("Basic ") else f"header {name}"
        return kind if self.switches["secret"] == "right" else f"{kind} (wrong on purpose)"

    def send(self, connection):
        """Send the request over a connection."""
        parts = urlsplit(self.line.route_url)
        query, body, content_type = parts.query, b"", None
        form = self.switches["routeForm"]
        if form == "json":
            body, content_type = json.dumps(self.values).encode(), "application/json"
        elif form == "form":
            body = urlencode(self.values).encode()
            content_type = "application/x-www-form-urlencoded"
        else:
            query = "&".join(filter(None, (query, urlencode(self.values))))
        # Header by header, because the same one may be sent twice
        connection.putrequest(self.method, (parts.path or "/") + (f"?{query}" if query else ""))
        for name, value in self.line.headers("route", self.switches["secret"]):
            connection.putheader(name, value)
        if content_type:
            connection.putheader("Content-Type", content_type)
        if self.method == "POST":
            connection.putheader("Content-Length", str(len(body)))
        connection.putheader("Connection", "close")
        connection.endheaders(body or None)


def ask(question, seconds, ssl_context, on_connection):
    """Send a question and wait for its answer.

    :param question: Question
    :param seconds: the limit for everything together
    :param ssl_context: for https receivers
    :param on_connection: called with the connection before it is made
    :return: the answer's status and the bytes of its body, at most one more than MOST_ANSWERED
    :raises RouteError: when there is no answer in time
    """
    deadline = time.monotonic() + seconds
    connection = open_connection(question.line.route_url, seconds, ssl_context)
    on_connection(connection)
    late = threading.Event()
    limit = None
    try:
        connection.connect()
        limit = _Limit(deadline - time.monotonic(), connection.sock, late)
        question.send(connection)
        response = connection.getresponse()
        raw = response.read(MOST_ANSWERED + 1)
    except TimeoutError:
        late.set()
    except (OSError, ValueError, http.client.HTTPException) as failure:
        if not late.is_set():
            raise RouteError(
                f"There was no answer ({type(failure).__name__}: {failure})."
            ) from failure
    finally:
        if limit:
            limit.cancel()
        connection.close()
    if late.is_set():
        raise RouteError(f"The answer did not come within {seconds:g} seconds.")
    return response.status, raw


class _Limit(threading.Timer):
    """Shuts a connection when its time is over, however slowly its other side sends."""

    def __init__(self, seconds, sock, late):
        super().__init__(max(0.0, seconds), self._end)
        self.name = "sandbox limit of a routing answer"
        self.daemon = True
        self._sock = sock
        self._late = late
        self.start()

    def _end(self):
        self._late.set()
        shut(self._sock)


def read_answer(status, raw, order, airtel_numbers):
    """Read a routing answer, as strictly as Airtel's documented behaviour allows.

    :param status: the HTTP status
    :param raw: the body's bytes
    :param order: incoming_story.IncomingOrder
    :param airtel_numbers: the account's Airtel numbers
    :return: Answer
    :raises RouteError: when it contains nobody whom Airtel could ring
    """
    if status != 200:
        raise RouteError(f"The answer has the status {status}, not 200.")
    if len(raw) > MOST_ANSWERED:
        raise RouteError(f"The answer has more than {MOST_ANSWERED} bytes.")
    try:
        return _Reader(order, airtel_numbers).read(load_object(raw))
    except ValueError as error:
        raise RouteError(f"The answer is no good: {error}.") from error


class _Reader:
    def __init__(self, order, airtel_numbers):
        self.order = order
        # The answer may repeat the number in the question's spelling
        asked = order.spelled(order.airtel_number)
        self.airtel_numbers = {*airtel_numbers, asked, asked.removeprefix("+")}
        self.remarks = []

    def read(self, body):
        component = self.component(body)
        strategy = component.get("mergingStrategy", SEQUENTIAL)
        if strategy not in (SEQUENTIAL, PARALLEL):
            raise ValueError("mergingStrategy is neither SEQUENTIAL nor PARALLEL")
        entries = component.get("participants")
        if not isinstance(entries, list) or not entries:
            raise ValueError("participants is no list with somebody in it")
        if len(entries) > MOST_PARTICIPANTS:
            raise ValueError(f"it has more than {MOST_PARTICIPANTS} participants")
        candidates = tuple(
            self.candidate(entry, f"participant {position}")
            for position, entry in enumerate(entries, 1)
        )
        if len({each.number for each in candidates}) < len(candidates):
            raise ValueError("a participantAddress is there twice")
        max_time = self.whole_number(component, "maxTime", COMPONENT)
        return Answer(Component(COMPONENT, strategy, candidates), max_time, tuple(self.remarks))

    def component(self, body):
        component = body.get(COMPONENT)
        if component is None and isinstance(body.get("data"), dict):
            component = body["data"].get(COMPONENT)
        if not isinstance(component, dict):
            raise ValueError(f"{COMPONENT} is missing or no object")
        for name in component:
            if name not in ("participants", "mergingStrategy", "maxTime"):
                self.remarks.append(f"{COMPONENT} has the unknown field {name}")
        return component

    def candidate(self, entry, where):
        if not isinstance(entry, dict):
            raise ValueError(f"{where} is no object")
        number = entry.get("participantAddress")
        if not isinstance(number, str) or not NUMBER.fullmatch(number):
            raise ValueError(f"participantAddress of {where} is not a text of 10 digits")
        if number == self.order.customer[-10:]:
            raise ValueError(f"participantAddress of {where} is the customer's")
        name = entry.get("participantName")
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise ValueError(f"participantName of {where} is not a text of letters and digits")
        caller_number = entry.get("callerId")
        if not isinstance(caller_number, str) or caller_number not in self.airtel_numbers:
            raise ValueError(f"callerId of {where} doesn't belong to the account")
        retries = self.whole_number(entry, "maxRetries", where)
        if retries > MAX_RETRIES:
            raise ValueError(f"maxRetries of {where} is above {MAX_RETRIES}")
        self.whole_number(entry, "audioId", where)
        early_media = entry.get("enableEarlyMedia", "false")
        if early_media not in ("true", "false"):
            raise ValueError(f'enableEarlyMedia of {where} is neither "true" nor "false", a text')
        own = {key: value for key, value in entry.items() if key not in _FIELDS}
        self.remarks += [f"{where} has a key of the receiver's own: {key}" for key in own]
        return Candidate(
            number,
            name,
            caller_number,
            retries,
            early_media == "true",
            max_time=self.whole_number(entry, "maxTime", where),
            own=own,
        )

    def whole_number(self, mapping, name, where):
        value = mapping.get(name, 0)
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise ValueError(f"{name} of {where} is not a whole number from 0")
        return value
