"""The companies that place calls during a run: each with its own sandbox, reps and leads."""

from __future__ import annotations

import collections
import random
import threading
import time
from dataclasses import dataclass

from ..lab.company import PASSWORD, make_reps, open_account
from ..lab.session import USER_ERROR, NoAnswerError, NotSentError, RpcError, Session
from .stack import choose

# How long a rep waits for a free line, before ending the last call by hand
PATIENCE_SECONDS = 6
# What the customers' numbers do, see the sandbox's scripts, with weights
SCRIPTS = {
    "7000000101": 30,
    "7000000102": 4,
    "7000000103": 4,
    "7000000104": 4,
    "7000000105": 3,
    "7000000106": 3,
    "7000000107": 4,
    "7000000108": 4,
    "7000000109": 3,
    "7000000110": 2,
    "7000000111": 2,
    "7000000112": 6,
    "7000000113": 3,
    "7000000114": 2,
    "7000000115": 2,
    "7000000116": 1,
    "7000000117": 3,
    "7000000118": 6,
    "7000000121": 2,
    "7000000122": 3,
    "7000000128": 3,
    "7000000130": 2,
    "7000000132": 2,
    "7000000134": 2,
    "7000000301": 1,
}


@dataclass(frozen=True)
class Rep:
    """A user who calls, and the leads to call, in order."""

    login: str
    lead_ids: tuple[int, ...]


def set_up(env, name, sandbox, relay_url, reps, calls, rng):
    """Create a company with its reps and leads.

    :param odoo.api.Environment env: superuser's environment
    :param str name: the company's name, also of its customer id at Airtel
    :param sandbox: the ``Sandbox`` that it calls
    :param str relay_url: the address for reports
    :param int reps: how many
    :param int calls: how many leads each of them has
    :param random.Random rng: chooses what the leads' phones do
    :rtype: list[Rep]
    """
    env = env(context={**env.context, "mail_create_nosubscribe": True})
    company = env["res.company"].create({"name": name})
    open_account(
        company,
        sandbox.url,
        ccp_customer_id=sandbox.settings.customer_id,
        ccp_notify_base_url=relay_url,
    )
    made = []
    first = 7000000900 + env["res.users"].search_count([("ccp_phone", "!=", False)])
    logins = [f"{name.lower()}-rep-{number}" for number in range(reps)]
    for user in make_reps(company, logins, first):
        user.group_ids += env.ref("airtel_ccp.group_ccp_listen")
        leads = env["crm.lead"].create(
            [
                {
                    "name": f"Lead {position} of {user.login}",
                    "contact_name": f"Customer {position}",
                    "phone": choose(rng, SCRIPTS),
                    "company_id": company.id,
                    "user_id": user.id,
                }
                for position in range(calls)
            ]
        )
        made.append(Rep(user.login, tuple(leads.ids)))
    return made


class Clicks:
    """All reps at work; each calls one lead after another, like a person."""

    def __init__(self, odoo_url, database, reps, seed):
        """:param list[Rep] reps: who calls"""
        self.outcomes = collections.Counter()
        self.placed = {}
        self.clicked = collections.Counter()
        self._url = odoo_url
        self._database = database
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._work, args=[rep, random.Random(f"{seed} {rep.login}")])
            for rep in reps
        ]

    def start(self):
        """Let them begin."""
        for thread in self._threads:
            thread.daemon = True
            thread.start()

    def wait(self, seconds):
        """Wait until all leads are called.

        :raises TimeoutError: when that takes longer
        """
        until = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0, until - time.monotonic()))
            if thread.is_alive():
                raise TimeoutError(f"the reps are not done: {self.outcomes}")

    def _work(self, rep, rng):
        session = _Session(self._url, self._database, rep.login)
        for lead_id in rep.lead_ids:
            session.wait_until_there()
            self._call(session, lead_id)
            time.sleep(rng.uniform(0, 0.3))

    def _call(self, session, lead_id):
        since = time.monotonic()
        while True:
            with self._lock:
                self.clicked[lead_id] += 1
            try:
                result = session.call("crm.lead", "action_ccp_call", [lead_id], "phone")
            except RpcError as error:
                is_busy = _is_busy(error)
                with self._lock:
                    self.outcomes["busy" if is_busy else "refused"] += 1
                if not is_busy:
                    return
                with self._lock:
                    self.clicked[lead_id] -= 1
                if time.monotonic() > since + PATIENCE_SECONDS:
                    self._hang_up(session)
                    since = time.monotonic()
                time.sleep(0.3)
            except NotSentError:
                with self._lock:
                    self.outcomes["not sent"] += 1
                    self.clicked[lead_id] -= 1
                session.wait_until_there()
            except NoAnswerError as error:
                # It is unknown whether the call was placed: no rep would call again at once
                with self._lock:
                    self.outcomes[f"no answer ({_cause(error)})"] += 1
                return
            else:
                with self._lock:
                    self.outcomes["placed"] += 1
                    self.placed[result["call_id"]] = lead_id
                return

    def _hang_up(self, session):
        """End the call that holds the line."""
        try:
            calls = session.call("ccp.call", "search", [["live", "=", True]])
            session.call("ccp.call", "action_close", calls)
            with self._lock:
                self.outcomes["said to be over"] += 1
        except (RpcError, NoAnswerError):
            with self._lock:
                self.outcomes["no answer"] += 1


def _cause(error):
    """Return the name of the error that kept a click from its answer."""
    cause = error.__cause__
    return cause.name if isinstance(cause, RpcError) else type(cause).__name__


def _is_busy(error):
    """Return whether Odoo refuses a click because of another call of the same rep."""
    sentences = ("previous call is still being placed", "still in a call")
    return any(sentence in error.message for sentence in sentences)


class _Session:
    """A rep's session, which logs in before its first use and when Odoo no longer knows it."""

    def __init__(self, url, database, login):
        self._url = url
        self._credentials = (database, login, PASSWORD)
        self._session = None

    def wait_until_there(self):
        """Wait until Odoo answers: nobody can click on a page that does not load."""
        while True:
            try:
                self.call("res.users", "search_count", [])
                return
            except NoAnswerError:
                time.sleep(0.5)

    def call(self, model, method, *args):
        """Call a method as the web client does.

        :raises RpcError: when Odoo answers with a sentence for the user
        :raises NoAnswerError: when it does not answer, or answers with an error
        """
        try:
            if self._session is None:
                self._session = Session(self._url).login(*self._credentials)
            return self._session.call(model, method, *args)
        except RpcError as error:
            if error.name == USER_ERROR:
                raise
            if "SessionExpired" in error.name:
                self._session = None
            raise NoAnswerError(error.name) from error
