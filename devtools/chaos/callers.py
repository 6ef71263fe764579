"""Customers who call the companies while faults happen."""

from __future__ import annotations

import collections
import random
import threading
from dataclasses import dataclass

from .relay import Relay
from .stack import choose

DESK = "7000000990"
# What customers and agents do, see the sandbox's scripts for incoming calls
SCRIPTS = {
    "first_answers": 20,
    "second_answers": 8,
    "nobody_answers": 8,
    "gives_up_early": 2,
    "gives_up_late": 6,
    "agent_busy": 3,
    "agent_hangs_up": 3,
    "ring_group": 4,
    "asked_twice": 4,
    "route_form": 2,
    "route_query": 2,
    "route_get": 2,
    "route_swapped": 2,
    "cdr_reduced": 6,
    "cdr_twice": 3,
    "cdr_early": 3,
    "cdr_first": 3,
    "cdr_list": 2,
    "shuffled": 5,
    "no_events": 4,
}
# Airtel asks again if the first answer did not arrive
RETRIES = {0: 1, 1: 2}


@dataclass(frozen=True)
class Line:
    """An Airtel number of a company.

    :param company: the company's name.
    :param token: the last part of the company's own notify URL.
    :param customers: the callers, ten digits each, who call once; some belong to a lead.
    """

    company: str
    company_id: int
    sandbox: object
    number: str
    token: str
    customers: tuple[str, ...]


def open_line(env, name, sandbox, relay: Relay, position: int, count: int) -> Line:
    """Set a company up for incoming calls, and create a lead for every second customer.

    :param env: superuser's environment.
    :param name: of a company with reps, see ``reps.set_up``.
    :param position: of the company: no two have the same numbers.
    :param count: how many customers call.
    """
    env = env(context={**env.context, "mail_create_nosubscribe": True})
    company = env["res.company"].search([("name", "=", name)])
    # Open at any hour
    company.resource_calendar_id = False
    users = env["res.users"].search([("company_id", "=", company.id), ("ccp_phone", "!=", False)])
    team = env["crm.team"].create(
        {"name": f"Front {name}", "company_id": company.id, "member_ids": [(6, 0, users.ids)]}
    )
    number = f"800000001{position}"
    env["ccp.call.flow"].create(
        {
            "name": f"Hotline {name}",
            "code": "SANDBOX-INBOUND",
            "call_type": "INBOUND",
            "caller_number": number,
            "company_id": company.id,
            "desk_number": DESK,
            "ring_team_id": team.id,
            "ring_strategy": "SEQUENTIAL",
        }
    )
    customers = tuple(f"91{position}{each:07}" for each in range(count))
    env["crm.lead"].create(
        [
            {
                "name": f"Lead of {customer}",
                "phone": f"+91 {customer}",
                "company_id": company.id,
                "user_id": users[each % len(users)].id,
            }
            for each, customer in enumerate(customers[::2])
        ]
    )
    company.ccp_route_header = False
    sandbox.set_number(
        number,
        route_url=f"{relay.url}/airtel_ccp/route/{company.ccp_route_token}",
        notify_url=f"{relay.url}/airtel_ccp/webhook/{company.ccp_webhook_token}",
        desk=DESK,
    )
    relay.own_tokens.add(company.ccp_webhook_token)
    return Line(name, company.id, sandbox, number, company.ccp_webhook_token, customers)


class Callers:
    """Customers of all lines, who call one after another with short pauses."""

    def __init__(self, lines: list[Line], seed, pause_seconds: float):
        """:param pause_seconds: the mean pause between two calls."""
        self.scripts = collections.Counter()
        self._rng = random.Random(seed)
        self._pause_seconds = pause_seconds
        self._waiting = [(line, customer) for line in lines for customer in line.customers]
        self._rng.shuffle(self._waiting)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._error = None

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_exception):
        self._stopping.set()
        self._thread.join()
        if self._error:
            raise self._error

    def _work(self):
        try:
            while self._waiting and not self._stopping.wait(
                self._rng.expovariate(1 / self._pause_seconds)
            ):
                self._ring(*self._waiting.pop())
        except Exception as error:  # noqa: BLE001 - raised again where the callers are waited for
            self._error = error

    def _ring(self, line, customer):
        script = choose(self._rng, SCRIPTS)
        switches = {"routeRetries": choose(self._rng, RETRIES)}
        self.scripts[script] += 1
        line.sandbox.ring(customer, line.number, script=script, switches=switches)
