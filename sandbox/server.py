"""The sandbox itself: an HTTP server that can be embedded in tests."""

import base64
import collections
import errno
import itertools
import logging
import random
import socket
import socketserver
import ssl
import sys
import threading
import time
import uuid
from http.server import ThreadingHTTPServer

from . import scripts
from .handler import Handler
from .incoming import IncomingCalls
from .ledger import Ledger
from .live_call import LiveCall
from .posting import make_ssl_context
from .recording import TOKEN_BYTES
from .reports import Clock, Identity
from .settings import Settings
from .story import deliveries, tell

_logger = logging.getLogger("sandbox")

MOST_CALLS_REMEMBERED = 5000
STOP_SECONDS = 2.0


class CannotListenError(Exception):
    """The server can't listen at its address; the text says why and what to do."""


class PortTakenError(CannotListenError):
    """Another program already listens at this port."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    # A short queue would refuse connections when fifty calls come at once.
    request_queue_size = 256

    def __init__(self, address, handler, sandbox):
        self.sandbox = sandbox
        self._connections = set()
        self._connections_lock = threading.Lock()
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, handler)

    def server_bind(self):
        # HTTPServer would look up the host's name, which takes long without a name server.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]

    def get_request(self):
        connection, address = super().get_request()
        with self._connections_lock:
            self._connections.add(connection)
        return connection, address

    def shutdown_request(self, request):
        with self._connections_lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request, client_address):
        error = sys.exc_info()[1]
        # Clients that disconnect are normal, all other errors are the sandbox's.
        if isinstance(error, OSError):
            _logger.debug("A client went away: %s", error)
        else:
            _logger.error("A request could not be answered", exc_info=error)

    def close_connections(self):
        """Shut every open connection: no thread waits for its client any more."""
        with self._connections_lock:
            connections = list(self._connections)
        for connection in connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                _logger.debug("A connection was closed already")


class Sandbox:
    """A stand-in for Airtel CCP.

    ``with Sandbox(port=0, speed=50) as sandbox:`` serves at ``sandbox.url`` until the block ends.
    Arguments are the fields of ``settings.Settings``; the port is a free one by default.

    :raises ValueError: when a setting can't work
    """

    def __init__(self, *, port=0, **settings):
        for name in ("flows", "caller_numbers", "agent_pool"):
            if name in settings:
                settings[name] = tuple(settings[name])
        self.settings = Settings(port=port, **settings)
        self.ledger = Ledger()
        self.incoming = IncomingCalls(self)
        self.stopping = threading.Event()
        self._random = random.SystemRandom()
        if self.settings.seed is not None:
            self._random = random.Random(self.settings.seed)
        self._lock = threading.Lock()
        self._idle = threading.Condition(self._lock)
        self._busy = 0
        self._assigned = {}
        self._calls = collections.OrderedDict()
        self._tokens = {}
        self._dialects = itertools.cycle(("display", "camel"))
        self._pool_turn = 0
        self.ssl_context = None
        self._server = None
        self._thread = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_exception):
        self.stop()

    def start(self):
        """Listen and serve in threads of its own; return at once.

        :raises PortTakenError: when the port is taken
        :raises CannotListenError: when the address can't be used for another reason
        :raises ValueError: when the file of certificates can't be read
        """
        host, port = self.settings.host, self.settings.port
        try:
            self.ssl_context = make_ssl_context(self.settings.callback_ca)
        except (OSError, ssl.SSLError) as error:
            raise ValueError(
                f"The certificates in {self.settings.callback_ca} can't be read: {error}."
            ) from error
        try:
            self._server = _Server((host, port), Handler, self)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise PortTakenError(
                    f"Port {port} on {host} is taken: stop the program that uses it, "
                    "or choose another port with --port."
                ) from error
            raise CannotListenError(
                f"The sandbox can't listen on {host}, port {port} ({error.strerror}): "
                "choose an address of this machine with --host, or another port with --port."
            ) from error
        self.stopping.clear()
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.05},
            name="sandbox",
            daemon=True,
        )
        self._thread.start()

    def stop(self):
        """Stop at once: calls under way report nothing more. Stopping twice does nothing."""
        if self._server is None:
            return
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._server.close_connections()
        self._thread.join(STOP_SECONDS)
        deadline = time.monotonic() + STOP_SECONDS
        with self._lock:
            calls = list(self._calls.values())
        for call in calls:
            call.end(max(0.0, deadline - time.monotonic()))
        self._server = None

    @property
    def url(self):
        """The server's address, without a slash at the end."""
        if self._server is None:
            raise RuntimeError("The sandbox is not started.")
        host, port = self._server.server_address[:2]
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    @property
    def api_url(self):
        """The address to POST a call to."""
        return self.url + self.settings.path

    def calls(self):
        """Return the ledger: a list of dicts as ``ledger.Ledger.open`` describes them."""
        return self.ledger.entries()

    def clear(self):
        """Empty the ledgers of both directions; scripts assigned to numbers stay."""
        self.ledger.clear()
        self.incoming.ledger.clear()

    def ring(self, customer, airtel_number, digit=None, script=None, switches=None):
        """Let a customer call one of the account's Airtel numbers; return at once.

        :param customer: 10 digits, a foreign number with its +, or ``withheld``
        :param airtel_number: text of digits
        :param digit: text of one digit that the customer presses in Airtel's menu
        :param script: name of a script of ``incoming_scripts``; None: the one of the number
        :param switches: dict, see ``switches.SWITCHES``
        :return: the call's id
        :raises ValueError: when a value is invalid
        :raises incoming.TooManyError: when too many calls are under way
        """
        return self.incoming.ring(
            {
                "from": customer,
                "to": airtel_number,
                "digit": digit,
                "script": script,
                "switches": switches,
            }
        )

    def incoming_calls(self):
        """Return the incoming calls, a list of dicts as ``ledger.IncomingLedger.open`` has them."""
        return self.incoming.ledger.entries()

    def incoming_call(self, call_id):
        """Return one incoming call as a dict, or None."""
        return self.incoming.ledger.find(call_id)

    def set_number(self, number=None, **settings):
        """Change the settings of an Airtel number; a new number is added.

        :param number: text of digits; None: all numbers without settings of their own
        :param settings: fields of ``airtel_numbers.AirtelNumber``; None: reset to the common ones
        :raises ValueError: when a setting is invalid
        """
        self.incoming.numbers.set(number, settings)

    def assign_script(self, number, name):
        """Assign a script to a number; the name None removes it.

        :raises ValueError: when there is no such script or the number doesn't have 10 digits
        """
        if not (isinstance(number, str) and len(number) == 10 and number.isdecimal()):
            raise ValueError("The number must be a text of 10 digits.")
        if name is not None and name not in scripts.BY_NAME:
            raise ValueError(f"There is no script {name!r}: see python -m sandbox --help.")
        with self._lock:
            if name is None:
                self._assigned.pop(number, None)
            else:
                self._assigned[number] = scripts.BY_NAME[name]

    def script_of(self, number):
        """Return the script of a 10-digit number: the assigned one, else its own."""
        with self._lock:
            assigned = self._assigned.get(number)
        return assigned or scripts.script_for(number)

    def wait_idle(self, timeout):
        """Wait until every call has posted its reports and every POST is answered.

        :param timeout: seconds
        :raises TimeoutError: when that takes longer
        """
        with self._idle:
            if not self._idle.wait_for(lambda: self._busy == 0, timeout):
                raise TimeoutError(
                    f"The sandbox still has {self._busy} calls or requests under way "
                    f"after {timeout} seconds."
                )

    def agent_pool(self):
        """Return the agent pool's numbers in the order in which they ring next."""
        with self._lock:
            pool = self.settings.agent_pool
            turn = self._pool_turn % len(pool)
            self._pool_turn += 1
        return pool[turn:] + pool[:turn]

    def count_busy(self, step):
        """Count something that began (1) or ended (-1), for ``wait_idle``."""
        with self._idle:
            self._busy += step
            if self._busy == 0:
                self._idle.notify_all()

    def prepare_call(self, order, script, entry):
        """Make the call of an accepted request; its clock starts now.

        It counts as in progress from now on, so the caller must ``start`` it.

        :param order: validation.Order
        :param script: scripts.Script
        :param entry: ledger.Entry of the POST
        :return: live_call.LiveCall
        """
        identity, token, rng = self.make_identity()
        with self._lock:
            dialect = script.dialect or self.settings.dialect
            if dialect == "alternate":
                dialect = next(self._dialects)
        story = tell(order, script, self.script_of)
        recording_url = self.recording_address(identity, token) if story.recorded else None
        call = LiveCall(
            entry=entry,
            story=story,
            identity=identity,
            clock=Clock(time.time_ns() // 1_000_000, self.settings.speed),
            plan=deliveries(story, rng),
            dialect=dialect,
            recording_url=recording_url,
            settings=self.settings,
            stopping=self.stopping,
            ssl_context=self.ssl_context,
            on_finished=lambda: self.count_busy(-1),
        )
        entry.set(
            correlationId=identity.correlation_id,
            sessionId=identity.session_id,
            dialect=dialect,
            finished=False,
        )
        self.remember(call, token)
        self.count_busy(1)
        return call

    def make_identity(self):
        """Return a new call's Identity, its recording's token and its random.Random."""
        with self._lock:
            identity = Identity(self._session_id())
            token = self._make_token()
            return identity, token, random.Random(self._random.getrandbits(64))

    def make_session_id(self):
        """Return a session id that no other call has."""
        with self._lock:
            return self._session_id()

    def _session_id(self):
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def recording_address(self, identity, token):
        """Return the address of a call's recording."""
        base = (self.settings.public_url or self.url).rstrip("/")
        return f"{base}/recordings/{identity.session_id}.wav?token={token}"

    def remember(self, call, token):
        """Keep a call for ``find_call``; the oldest ones are dropped."""
        with self._lock:
            self._calls[call.identity.session_id] = call
            self._tokens[call.identity.session_id] = token
            while len(self._calls) > MOST_CALLS_REMEMBERED:
                oldest, _call = self._calls.popitem(last=False)
                del self._tokens[oldest]

    def find_call(self, session_id):
        """Return a call and its recording's token; None and None if there is no such call."""
        with self._lock:
            return self._calls.get(session_id), self._tokens.get(session_id)

    def _make_token(self):
        # Real tokens are raw base64: clients must cope with all of these characters.
        while True:
            token = base64.b64encode(self._random.randbytes(TOKEN_BYTES)).decode()
            if all(sign in token for sign in "+/="):
                return token
