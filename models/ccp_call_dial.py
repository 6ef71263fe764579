import contextlib
import functools
import logging
import secrets
import socket

import psycopg2.errors

from odoo import api, fields, models
from odoo.http import request
from odoo.tools import SQL, config

from ..ccp.airtel.pending import Exchange
from ..ccp.safe import number
from ..ccp.safe.spool import digest
from .ccp_dialer import Options
from .ir_http import after_answer
from .remedy import refusal
from .spool import make_token

_logger = logging.getLogger(__name__)

# How long a click waits for Airtel's answer at most; Airtel usually takes less than a second
PATIENCE_SECONDS = 3
# The key under which a request keeps the calls it placed, which outlives its transaction's retry
PLACED = "airtel_ccp.placed"


class CcpCall(models.Model):
    """How a click becomes a call: check, commit the call's row, ask Airtel once, commit the answer.

    ``ccp.dialer`` checks. The row and the answer are committed in cursors of their own, and the
    request's transaction writes nothing. If Odoo retries the request after a serialization failure
    elsewhere in it, the retry gets the first try's result and does not dial again.
    """

    _inherit = "ccp.call"

    @api.model
    def _dial(self, record, field_name=None, choice=None, list_item=None, options=None):
        """Place one call on a record.

        :param record: the record that was clicked, of any model with a phone field
        :param str | None field_name: the phone field that was clicked; by default the first
            one that has a value
        :param str | None choice: the key of one of the numbers that ``_ccp_numbers`` offers
        :param list_item: the ``ccp.call.list.item`` that this call is for, if any
        :param Options | None options: the rep's other choices
        :return: ``{"call_id": int, "state": str, "message": str}``; the state is ``queued`` if the
            request no longer waits for Airtel's answer, which then comes by the bus, even a refusal
        :rtype: dict
        :raise UserError: when no call was placed
        :raise AccessError: when the user may not call, or may not read the record
        """
        # A client may send any type; these become keys of a dict
        choice = str(choice) if choice else None
        click = (self.env.uid, record._name, record.id, repr(field_name), choice)
        placed = request.httprequest.environ.setdefault(PLACED, {}) if request else {}
        if click not in placed:
            placed[click] = self._dial_once(
                record, field_name, choice, list_item, options or Options()
            )
        return placed[click]

    @api.model
    def _dial_once(self, record, field_name, choice, list_item, options):
        """Check, commit the row, ask Airtel once, commit the answer; see ``_dial``."""
        dialer = self.env["ccp.dialer"]
        plan = dialer._plan(record, field_name, choice, options)
        token, header = make_token(self.env), secrets.token_urlsafe(24)
        body = dialer._request_body(plan, token, header)
        # After the request was sent, nothing may fail that would lose Airtel's answer
        patience = self._patience()
        call_id = self._reserve(record, plan, token, header, body, list_item)
        exchange = Exchange(plan.company._ccp_client(plan.account), body)
        if exchange.wait(patience):
            return self._take_answer(call_id, plan, exchange)
        exchange.when_answered(functools.partial(self._take_late_answer, call_id, plan))
        after_answer(functools.partial(self._notify_leaders_of_wait, plan.company))
        return {
            "call_id": call_id,
            "state": "queued",
            "message": self._waiting_sentence(plan),
        }

    @api.model
    def _reserve(self, record, plan, token, header, body, list_item=None):
        """Commit the call's row and the masked request before Airtel is asked; return its id.

        :param record: the record that is called
        :param Plan plan: what is dialled
        :param str token: the secret at the end of the notify URL
        :param str header: the secret that reports carry in a header
        :param dict body: the request's body
        :param list_item: the ``ccp.call.list.item`` that this call is for, if any
        :rtype: int
        :raise UserError: when another click of the same agent was faster
        """
        dialer = self.env["ccp.dialer"]
        now = fields.Datetime.now()
        values = {
            "res_model": record._name,
            "res_id": record.id,
            "start_date": now,
            **self._start_values(now, self.env.user),
            "customer_name": plan.customer_name,
            "partner_id": plan.partner.id,
            "user_id": self.env.uid,
            **plan.sales_values,
            "company_id": plan.company.id,
            "currency_id": plan.company.sudo().currency_id.id,
            "trial": plan.account.is_trial,
            "flow_id": plan.flow.id,
            "recorded": plan.recorded,
            "recording_announced": plan.recorded and plan.flow.announces_recording,
            **self._number_values(plan.agent_numbers, plan.customer_numbers),
            "dialled": self._snapshot(plan.flow, plan.agent_numbers, plan.customer_numbers),
            "agent_pool": plan.flow._rings_pool() and plan.flow.pool_code,
            "list_item_id": list_item.id if list_item else False,
            "activity_id": plan.activity.id,
            "callback_id": self._callback_of_click(record, plan).id,
            "caller_number": plan.caller_number,
            "token_digest": digest(token),
            "header_digest": digest(header),
            "overridden": plan.overridden or False,
            "override_reason": plan.override_reason or False,
            "deadline": self._deadline("queued"),
        }
        if plan.overridden:
            _logger.info("User %s calls despite a house rule", self.env.uid)
        try:
            with contextlib.ExitStack() as stack:
                if plan.has_caps:
                    # In a transaction of its own: the next one begins after the lock, so it sees
                    # what the lock's last holder committed
                    lock_cr = stack.enter_context(self.env.registry.cursor())
                    dialer.with_env(self.env(cr=lock_cr))._lock_caps(plan.company)
                cr = stack.enter_context(self.env.registry.cursor())
                env = self.env(cr=cr)
                guards = dialer.with_env(env)
                guards._take_line(env.user, plan.pause)
                if plan.has_caps:
                    company, flow = plan.company.with_env(env), plan.flow.with_env(env)
                    guards._check_rules(env.user, company, flow, plan.customer_numbers)
                # With the company, whose defaults are used, the agent's own need not be read
                calls = self.with_env(env).sudo().with_company(plan.company.id)
                call = calls.create(values)
                env["ccp.request.log"].sudo()._open(call, body)
                return call.id
        except psycopg2.errors.UniqueViolation as error:
            raise refusal(dialer._line_busy_sentence(), opens="panel") from error

    @api.model
    def _patience(self):
        """Return how many seconds a click may wait for Airtel.

        At most half of a server's workers (or threads) wait at a time: the others serve everybody
        else however long Airtel takes. The request counts as waiting until its transaction ends.

        :rtype: float
        """
        serving = config["workers"] or config["db_maxconn"] // 2
        self.env.cr.execute(
            SQL(
                """
                SELECT FROM generate_series(1, %s) place
                 WHERE pg_try_advisory_xact_lock(hashtext(%s), place)
                 LIMIT 1
                """,
                max(1, serving // 2),
                f"ccp.dialer {socket.gethostname()}:{config['http_port']}",
            )
        )
        return PATIENCE_SECONDS if self.env.cr.rowcount else 0

    @api.model
    def _waiting_sentence(self, plan):
        """Return the sentence for the rep while Airtel has not answered.

        :param Plan plan: what was dialled
        :rtype: str
        """
        if not plan.agent_numbers:
            return self.env._(
                "Airtel has not answered yet. An agent of the pool is rung first; if Airtel "
                "refuses the call, you will be notified."
            )
        return self.env._(
            "Airtel has not answered yet. If your phone %(phone)s rings, pick up; if Airtel "
            "refuses the call, you will be notified.",
            phone=number.mask(plan.agent_numbers[0]),
        )

    @api.model
    def _accepted_sentence(self, plan):
        """Return the sentence for the rep once Airtel accepted the call.

        :param Plan plan: what was dialled
        :rtype: str
        """
        if not plan.agent_numbers:
            return self.env._(
                "Airtel is calling an agent of the pool. When one picks up, it calls %s.",
                plan.customer_name,
            )
        return self.env._(
            "Airtel is calling your phone %(phone)s. Pick up, and it calls %(customer)s.",
            phone=number.mask(plan.agent_numbers[0]),
            customer=plan.customer_name,
        )
