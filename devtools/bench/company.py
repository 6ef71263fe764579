"""The company whose calls are measured: its account, people, leads, calls and their reports."""

from __future__ import annotations

import json
import random
import secrets
import time
import uuid
from dataclasses import dataclass

from odoo.tools import SQL

from ..lab.company import NOBODY, PASSWORD, make_reps, open_account
from ..lab.session import Session, body, call_parameters
from .load import request_bytes

REPS = 20
SECRET_HEADER = "X-Airtel-Ccp-Secret"
CUSTOMER = "7000000101"
KINDS = ("event", "api_result", "cdr", "unreadable")


@dataclass(frozen=True)
class Call:
    """A call that can get reports.

    :param token: the last part of its notify URL.
    :param header: the secret header of its reports.
    """

    id: int
    lead_id: int
    token: str
    header: str

    def request(self, body: bytes) -> bytes:
        """Return a whole request that reports something about this call."""
        return request_bytes(
            f"/airtel_ccp/webhook/{self.token}", body, {SECRET_HEADER: self.header}
        )


def set_up(env, base_url=NOBODY, reps=REPS):
    """Create the account and the people, once in a database.

    :param base_url: where Airtel is.
    :return: the ids of the reps' users.
    """
    open_account(env.company, base_url, ccp_notify_base_url=NOBODY)
    users = env["res.users"].search([("login", "=like", "bench-rep-%")], order="id")
    missing = range(len(users), reps)
    users |= make_reps(env.company, [login(number) for number in missing], 7000090000 + len(users))
    return users.ids[:reps]


def login(number):
    """Return the login of a rep."""
    return f"bench-rep-{number}"


def log_in(odoo, number: int) -> Session:
    """Return the session of a rep who is logged in.

    :param odoo: the ``Odoo`` to log in to.
    """
    return Session(odoo.url).login(odoo.database, login(number), PASSWORD)


def call_request(session: Session, model: str, method: str, *arguments) -> bytes:
    """Return the whole request that calls a method as the web client does, to be sent later."""
    path, parameters = call_parameters(model, method, *arguments, context=session.context)
    return request_bytes(path, body(parameters), {"Cookie": session.cookie})


def click_request(session: Session, lead_id: int) -> bytes:
    """Return the whole request of a click on a lead's phone."""
    return call_request(session, "crm.lead", "action_ccp_call", [lead_id], "phone")


def make_leads(env, count, user_ids):
    """Create leads with a contact and a phone, assigned to reps in turn; return their ids."""
    env = env(context={**env.context, "mail_create_nosubscribe": True, "tracking_disable": True})
    partners = env["res.partner"].create(
        [{"name": f"Customer {number}", "phone": f"+91 {CUSTOMER}"} for number in range(count)]
    )
    leads = env["crm.lead"].create(
        [
            {
                "name": f"Lead {number}",
                "type": "opportunity",
                "partner_id": partner.id,
                "phone": f"+91 {CUSTOMER}",
                "user_id": user_ids[number % len(user_ids)],
            }
            for number, partner in enumerate(partners)
        ]
    )
    return leads.ids


def make_calls(env, count):
    """Create calls on leads of their own, which Airtel has accepted and will report on.

    :rtype: list[Call]
    """
    from odoo.addons.airtel_ccp.ccp.safe.spool import digest
    from odoo.addons.airtel_ccp.models.spool import make_token

    # The address that an earlier part set; without a call flow it is Airtel's own
    address = env.company.ccp_base_url if env.company.ccp_flow_id else NOBODY
    users = env["res.users"].browse(set_up(env, address))
    leads = env["crm.lead"].browse(make_leads(env, count, users.ids))
    secrets_of_calls = [(make_token(env), secrets.token_urlsafe(24)) for _lead in leads]
    calls = env["ccp.call"].create(
        [
            {
                "res_model": "crm.lead",
                "res_id": lead.id,
                "customer_name": lead.partner_id.name,
                "partner_id": lead.partner_id.id,
                "lead_id": lead.id,
                "user_id": lead.user_id.id,
                "company_id": env.company.id,
                "flow_id": env.company.ccp_flow_id.id,
                "agent_number": lead.user_id.ccp_phone,
                "customer_number": CUSTOMER,
                "caller_number": "8000000001",
                "token_digest": digest(token),
                "header_digest": digest(header),
                "request_outcome": "accepted",
                "state": "ringing_agent",
                # A rep has only one live call at a time, which would limit the measurement
                "live": False,
            }
            for lead, (token, header) in zip(leads, secrets_of_calls, strict=True)
        ]
    )
    env.flush_all()
    return [
        Call(call.id, lead.id, token, header)
        for call, lead, (token, header) in zip(calls, leads, secrets_of_calls, strict=True)
    ]


def copy_calls(env, calls, count):
    """Copy calls, each on a copy of its lead and contact, by SQL: the ORM would take minutes.

    :param calls: what ``make_calls`` returned.
    :param count: how many copies; they are assigned to the calls in turn.
    :rtype: list[Call]
    """
    from odoo.addons.airtel_ccp.ccp.safe.spool import digest
    from odoo.addons.airtel_ccp.models.spool import make_token

    cr = env.cr
    cr.execute(
        """
        CREATE TEMPORARY TABLE copies (
            original int, token varchar, header varchar,
            call_id int DEFAULT nextval('ccp_call_id_seq'),
            lead_id int DEFAULT nextval('crm_lead_id_seq'),
            partner_id int DEFAULT nextval('res_partner_id_seq')) ON COMMIT DROP
        """
    )
    originals = [calls[number % len(calls)].id for number in range(count)]
    secrets_of_calls = [(make_token(env), secrets.token_urlsafe(24)) for _call in originals]
    made = cr.execute_values(
        "INSERT INTO copies (original, token, header) VALUES %s RETURNING call_id, lead_id",
        [
            (original, digest(token), digest(header))
            for original, (token, header) in zip(originals, secrets_of_calls, strict=True)
        ],
        fetch=True,
    )
    own = {"id": "partner_id", "commercial_partner_id": "partner_id"}
    _copy_rows(cr, "res_partner", "partner_id", own)
    _copy_rows(cr, "crm_lead", "lead_id", {"id": "lead_id", "partner_id": "partner_id"})
    own = {"id": "call_id", "lead_id": "lead_id", "res_id": "lead_id", "partner_id": "partner_id"}
    _copy_rows(cr, "ccp_call", "id", own | {"token_digest": "token", "header_digest": "header"})
    return [Call(*ids, *words) for ids, words in zip(made, secrets_of_calls, strict=True)]


def _copy_rows(cr, table, of_call, own):
    """Copy the rows that belong to the originals.

    :param of_call: the call's column that names the row.
    :param own: by column: the column of ``copies`` with the copy's own value.
    """
    cr.execute("SELECT column_name FROM information_schema.columns WHERE table_name = %s", [table])
    columns = [name for (name,) in cr.fetchall()]
    values = [
        SQL.identifier("copies", own[name]) if name in own else SQL.identifier(table, name)
        for name in columns
    ]
    cr.execute(
        SQL(
            """
            INSERT INTO %s (%s) SELECT %s FROM copies
              JOIN ccp_call original ON original.id = copies.original
              JOIN %s ON %s = %s
            """,
            SQL.identifier(table),
            SQL(", ").join(map(SQL.identifier, columns)),
            SQL(", ").join(values),
            SQL.identifier(table),
            SQL.identifier(table, "id"),
            SQL.identifier("original", of_call),
        )
    )


def story(env):
    """Return what Airtel posts about one call that connects, as parsed JSON, in order.

    The stand-in for Airtel tells it: events of both legs, then the CDR.
    """
    from sandbox import scripts
    from sandbox.cdr import render_cdr
    from sandbox.reports import Clock, Identity, render
    from sandbox.settings import Settings
    from sandbox.story import CDR, deliveries, tell
    from sandbox.validation import read_order

    rng = random.Random(1)
    settings = Settings()
    body = env.company.ccp_flow_id._request_body(
        customer_id=settings.customer_id,
        agent_numbers=("7000090000",),
        customer_numbers=(CUSTOMER,),
        caller_number="8000000001",
        notify_url="https://odoo.example.com/",
        headers={},
    )
    order = read_order(json.dumps(body).encode(), settings, lambda: settings.agent_pool)
    script = next(each for each in scripts.CALL_SCRIPTS if each.name == "connects")
    told = tell(order, script, lambda number: script)
    identity = Identity(str(uuid.UUID(int=rng.getrandbits(128), version=4)))
    clock = Clock(time.time_ns() // 1_000_000 - 120_000, 1)
    return [
        render_cdr(told, identity, clock, "camel", None)
        if moment.kind == CDR
        else render(moment, told, identity, clock)
        for _at, moment in deliveries(told, rng)
    ]


def unlike(report, number):
    """Return a report's body that differs from those with other numbers."""
    return json.dumps({**report, "serial": number}).encode()
