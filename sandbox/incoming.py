"""Calls that customers make to the account's Airtel numbers."""

import itertools
import re
import threading

from . import incoming_scripts
from .airtel_numbers import AirtelNumber, AirtelNumbers
from .incoming_call import IncomingCall
from .incoming_story import WITHHELD, IncomingOrder
from .ledger import IncomingLedger
from .switches import read_switches
from .validation import Callback

# Ten digits, or a foreign number
_CUSTOMER = re.compile(r"[0-9]{10}|\+(?!91)[1-9][0-9]{6,14}")
_TEMPLATES = ("camel", "display", "reduced")
DIGITS = tuple("0123456789")
WISHES = ("from", "to", "digit", "script", "switches")


class TooManyError(Exception):
    """Too many calls ring already for another one; the text says so."""


def read_wish(wish):
    """Check who should call which Airtel number, and how.

    :param wish: a client's object with ``from`` and ``to`` and, optionally, ``digit``, ``script``
        and ``switches``
    :return: a dict with all five
    :raises ValueError: when a value is invalid; a sentence with the valid ones
    """
    if not isinstance(wish, dict) or not {"from", "to"} <= set(wish):
        raise ValueError(
            'Send {"from": "customer\'s number", "to": "Airtel number"}, and if you like "digit", '
            '"script" and "switches".'
        )
    for name in wish:
        if name not in WISHES:
            raise ValueError(f"An incoming call has no {name!r}: it has {', '.join(WISHES)}.")
    wish = {**dict.fromkeys(WISHES), **wish}
    customer = wish["from"]
    if not isinstance(customer, str) or not (customer == WITHHELD or _CUSTOMER.fullmatch(customer)):
        raise ValueError(
            "from must be a text: 10 digits, a foreign number with + and 7 to 15 digits, or "
            f'"{WITHHELD}".'
        )
    if wish["digit"] is not None and wish["digit"] not in DIGITS:
        raise ValueError("digit must be a text: one digit, which the customer presses in the menu.")
    name = wish["script"]
    if name is None:
        wish["script"] = incoming_scripts.script_for(customer)
    elif isinstance(name, str) and name in incoming_scripts.BY_NAME:
        wish["script"] = incoming_scripts.BY_NAME[name]
    else:
        raise ValueError(
            f"There is no script {name!r} for incoming calls: there are "
            f"{', '.join(incoming_scripts.BY_NAME)}."
        )
    wish["switches"] = read_switches({} if wish["switches"] is None else wish["switches"])
    return wish


class IncomingCalls:
    """The account's Airtel numbers and the calls to them.

    :param sandbox: server.Sandbox
    """

    def __init__(self, sandbox):
        settings = sandbox.settings
        self._sandbox = sandbox
        common = AirtelNumber(
            route_url=settings.route_url,
            route_header=settings.route_header,
            route_secret=settings.route_secret,
            notify_url=settings.notify_url,
            notify_header=settings.notify_header,
            notify_secret=settings.notify_secret,
            desk=settings.desk_number,
        )
        self.numbers = AirtelNumbers(settings.caller_numbers, common)
        self.ledger = IncomingLedger()
        self._lock = threading.Lock()
        self._live = 0
        self._templates = itertools.cycle(_TEMPLATES)

    def ring(self, wish):
        """Let a customer call an Airtel number; return at once.

        :param wish: see ``read_wish``
        :return: the call's id
        :raises ValueError: when a value is invalid
        :raises TooManyError: when too many calls are under way
        """
        wish = read_wish(wish)
        line = self._line(wish["to"])
        manner = incoming_scripts.manner_of(wish["script"], line.switches, wish["switches"])
        self._take_place()
        try:
            call = self._prepare(wish, line, manner)
        except BaseException:
            self._leave_place()
            raise
        self._sandbox.count_busy(1)
        call.start()
        return call.identity.session_id

    def _line(self, number):
        line = self.numbers.get(number) if isinstance(number, str) else None
        if line is None:
            known = ", ".join(self.numbers.numbers())
            raise ValueError(
                f"to must be an Airtel number of the account: it has {known}; POST "
                "/sandbox/number adds another one."
            )
        if not line.route_url and not line.notify_url:
            raise ValueError(
                f"Nobody would learn of a call to {number}: tell the sandbox where Airtel asks and "
                "reports, with --route-url and --notify-url or POST /sandbox/number."
            )
        return line

    def _take_place(self):
        most = self._sandbox.settings.most_incoming
        with self._lock:
            if self._live >= most:
                raise TooManyError(
                    f"{most} incoming calls are under way: wait until one of them is over."
                )
            self._live += 1

    def _leave_place(self):
        with self._lock:
            self._live -= 1

    def _prepare(self, wish, line, manner):
        sandbox, settings = self._sandbox, self._sandbox.settings
        identity, token, rng = sandbox.make_identity()
        recording_address = sandbox.recording_address(identity, token)
        switches = manner.switches
        with self._lock:
            template = switches["template"]
            if template == "alternate":
                template = next(self._templates)
        headers = dict(line.headers("notify"))
        wanted = ["ALL", "CDR"] if switches["events"] else ["CDR"]
        callbacks = [Callback(kind, line.notify_url, "POST", headers) for kind in wanted]
        order = IncomingOrder(
            customer=wish["from"],
            airtel_number=wish["to"],
            digit=wish["digit"],
            written=switches["numbers"],
            callbacks=tuple(callbacks if line.notify_url else ()),
        )
        entry = self.ledger.open(
            id=identity.session_id,
            sessionId=identity.session_id,
            **{"from": order.customer},
            to=order.airtel_number,
            digit=order.digit,
            script=manner.script.name,
            switches=switches,
            template=template,
        )
        if not line.notify_url:
            entry.set(remarks=["There is no notify URL: nothing is reported."])
        cdr_session = {"same": identity.session_id, "none": None}.get(
            switches["cdrSession"], sandbox.make_session_id()
        )
        call = IncomingCall(
            order=order,
            manner=manner,
            line=line,
            airtel_numbers=self.numbers.numbers(),
            identity=identity,
            cdr_session=cdr_session,
            template=template,
            recording_address=recording_address,
            rng=rng,
            entry=entry,
            settings=settings,
            stopping=sandbox.stopping,
            ssl_context=sandbox.ssl_context,
            on_finished=self._finished,
        )
        sandbox.remember(call, token)
        return call

    def _finished(self):
        self._leave_place()
        self._sandbox.count_busy(-1)
