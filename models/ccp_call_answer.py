import contextlib
import dataclasses
import functools
import logging
import threading
import time

import psycopg2

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ..ccp.airtel import client
from ..ccp.call import timeline
from ..ccp.safe.faults import name_of
from . import refusals
from .ccp_call_notify import PAUSES
from .contention import PAUSE_SECONDS
from .ir_http import after_answer

_logger = logging.getLogger(__name__)

SETTLE_TRIES = 5
ACCEPTED_STATE = timeline.fold((), timeline.Dialled((), ())).state


class CcpCall(models.Model):
    """What happens when Airtel answers a click: it is committed and shown to the rep.

    An answer is committed in a cursor of its own: by the request that waited for it, or by the
    thread that receives it if the request no longer waits.
    """

    _inherit = "ccp.call"

    @api.model
    def _take_answer(self, call_id, plan, exchange):
        """Commit Airtel's answer, and return what the rep sees.

        :return: as ``_dial``
        """
        try:
            answer = exchange.answer()
        except client.CcpError as error:
            return self._settle_error(call_id, plan, error)
        return {
            "call_id": call_id,
            "state": self._accept(call_id, answer),
            "message": self._accepted_sentence(plan),
        }

    @api.model
    def _take_late_answer(self, call_id, plan, exchange):
        """Commit an answer that came after the click stopped waiting; the bus notifies browsers.

        :param int call_id: the call's id
        :param Plan plan: what was dialled
        :param ccp.airtel.pending.Exchange exchange: holds the answer
        """
        threading.current_thread().dbname = self.env.registry.db_name
        try:
            try:
                self._accept(call_id, exchange.answer())
            except client.CcpError as error:
                self._take_late_refusal(call_id, plan, error)
        except Exception:  # noqa: BLE001 - no request waits; the call's deadline ends it
            _logger.exception("Call %s: its answer cannot be noted", call_id)

    @api.model
    def _take_late_refusal(self, call_id, plan, error):
        """Commit that Airtel refused a call or did not answer; see ``_take_late_answer``.

        :param ccp.airtel.client.CcpError error: how the request failed
        """
        with self.env.registry.cursor() as cr:
            env = self.env(cr=cr)
            known = dataclasses.replace(
                plan,
                company=plan.company.with_env(env),
                flow=plan.flow.with_env(env),
                partner=plan.partner.with_env(env),
            )
            with contextlib.suppress(UserError):
                # The rep gets the same sentence by the bus
                self.with_env(env)._settle_error(call_id, known, error)

    @api.model
    def _notify_leaders_of_wait(self, company):
        """Notify leaders' browsers that a call waits for Airtel, in a transaction of its own."""
        with self.env.registry.cursor() as cr:
            self.env(cr=cr)["ccp.call"]._notify_leaders(company)

    @api.model
    def _accept(self, call_id, answer):
        """Commit that Airtel accepted a call, and return the call's state.

        Without a report the state is known without folding. The card and the bus follow once the
        rep has the answer; if that step is lost, the fold of the next report makes up for it.

        :param int call_id: the call's id
        :param ccp.airtel.client.Answer answer: what Airtel said
        :rtype: str
        """
        try:
            with self.env.registry.cursor() as cr:
                cr.execute(
                    SQL(
                        """
                        WITH accepted AS (
                            UPDATE ccp_call call
                               SET request_outcome = 'accepted', correlation_id = %(correlation)s,
                                   state = %(state)s, deadline = %(deadline)s,
                                   write_date = now() AT TIME ZONE 'UTC'
                             WHERE id = %(call)s AND state = 'queued' AND live
                               AND NOT EXISTS (
                                   SELECT FROM ccp_call_event WHERE call_id = call.id)
                            RETURNING id)
                        UPDATE ccp_request_log log
                           SET status = %(status)s, duration = %(milliseconds)s
                          FROM accepted
                         WHERE log.call_id = accepted.id
                        """,
                        call=call_id,
                        correlation=answer.correlation_id,
                        state=ACCEPTED_STATE,
                        deadline=self._deadline(ACCEPTED_STATE),
                        status=answer.status,
                        milliseconds=round(answer.seconds * 1000),
                    ),
                    log_exceptions=False,
                )
                known = cr.rowcount
        except Exception as error:  # noqa: BLE001 - Airtel answers once
            _logger.info("Call %s: trying again (%s)", call_id, name_of(error))
            known = 0
        if known:
            after_answer(functools.partial(self._notify_accepted, call_id))
            return ACCEPTED_STATE
        return self._settle(
            call_id,
            {"request_outcome": "accepted", "correlation_id": answer.correlation_id},
            {"status": answer.status, "seconds": answer.seconds},
        )

    @api.model
    def _notify_accepted(self, call_id):
        """Post the card of a call that Airtel accepted, and notify browsers.

        :param int call_id: the call's id
        """

        def notify(call, is_patient):
            call._fold(is_patient=is_patient)
            call._guarded(
                lambda each: each._notify_leaders(each.company_id),
                lambda each, error: each._notify_later(error),
                is_patient,
            )

        try:
            self._with_call(call_id, notify)
        except Exception as error:  # noqa: BLE001 - the call is placed, whatever fails now
            _logger.warning(
                "Call %s: it is put into the chatter later (%s)", call_id, name_of(error)
            )
            # If the database is away, the fold of the next report makes up for it
            with contextlib.suppress(psycopg2.Error), self.env.registry.cursor() as cr:
                call = self.env(cr=cr)["ccp.call"].browse(call_id)
                call._mark_notifying(fields.Datetime.now() + PAUSES[0], 1, is_over=False)

    @api.model
    def _settle(self, call_id, values, answer):
        """Commit Airtel's answer, and return the call's state.

        :param int call_id: the call's id
        :param dict values: what the answer says about the call
        :param dict answer: what to log of the request, see ``ccp.request.log._close``
        :rtype: str
        """

        def settle(call, is_patient):
            if call.erased:
                # The call was closed by hand and erased before Airtel answered
                return call.state
            call._guarded(
                lambda each: each._write_answer(values, answer),
                lambda each, error: each._keep_answer(values, answer, error),
                is_patient,
            )
            call._fold(is_patient=is_patient)
            return call.state

        return self._with_call(call_id, settle)

    def _write_answer(self, values, answer):
        """Write Airtel's answer; see ``_settle``."""
        self.write(values)
        self.request_ids._close(**answer)

    def _keep_answer(self, values, answer, error):
        """Write Airtel's answer by SQL: it comes only once, and an automation rule may have failed.

        :param Exception error: what failed
        """
        _logger.error("Call %s: a rule about its answer failed", self.id, exc_info=error)
        logged = self.request_ids._values_of(**answer)
        tables = (("ccp_call", "id", values), ("ccp_request_log", "call_id", logged))
        for table, column, some in tables:
            assigned = [
                SQL("%s = %s", SQL.identifier(name), None if value is False else value)
                for name, value in some.items()
            ]
            self.env.cr.execute(
                SQL(
                    "UPDATE %s SET %s WHERE %s = %s",
                    SQL.identifier(table),
                    SQL(", ").join(assigned),
                    SQL.identifier(column),
                    self.id,
                )
            )
        self.invalidate_recordset(list(values))
        self.request_ids.invalidate_recordset(list(logged))

    @api.model
    def _with_call(self, call_id, work):
        """Lock a call, run ``work`` on it, and commit.

        It is tried again in a new transaction after a conflict, such as with the fold of reports
        that came before the answer, and when its connection dies.

        :param int call_id: the call's id
        :param work: called with the call as superuser (empty if it is deleted) and ``is_patient``,
            see ``contention.apart``: in the last try, whatever still conflicts is left to the
            scheduled actions; may run more than once
        :return: what ``work`` returned
        :raise Exception: what it failed with, when it failed each time
        """
        for tries_left in reversed(range(SETTLE_TRIES)):
            try:
                with self.env.registry.cursor() as cr:
                    cr.execute(
                        SQL("SELECT FROM ccp_call WHERE id = %s FOR NO KEY UPDATE", call_id),
                        log_exceptions=False,
                    )
                    call = self.env(cr=cr)["ccp.call"].sudo().browse([call_id] * cr.rowcount)
                    return work(call, is_patient=bool(tries_left))
            except Exception as error:
                if not tries_left:
                    raise
                _logger.info("Call %s: trying again (%s)", call_id, name_of(error))
                time.sleep(PAUSE_SECONDS)

    @api.model
    def _sentence_of_error(self, plan, error):
        """Return the sentence that says why Airtel refused a call; if that fails, a short one.

        :rtype: str
        """
        try:
            with self.env.cr.savepoint(flush=False):
                return refusals.sentence_of_error(
                    self.env, error, plan.flow.name, plan.caller_number
                )
        except Exception:  # noqa: BLE001 - the call is refused, whatever its flow's name is
            _logger.exception("Why a call was refused cannot be said")
            return self.env._(
                "Airtel refused this call: try again, then ask your administrator. (%s)",
                error.code,
            )

    @api.model
    def _settle_error(self, call_id, plan, error):
        """Commit that Airtel refused, or that it is unknown whether Airtel accepted.

        :return: as ``_dial``, when phones may be ringing
        :raise UserError: when no call was placed
        """
        _logger.warning(
            "Call %s: Airtel %s it (%s, HTTP status %s)",
            call_id,
            error.outcome,
            error.code,
            error.status,
        )
        if error.outcome == "unknown":
            sentence = self.env._(
                "Airtel did not say whether it places the call to %(customer)s: if your phone "
                "rings, pick up; otherwise try again in a few minutes. (%(code)s)",
                customer=plan.customer_name,
                code=error.code,
            )
        else:
            sentence = self._sentence_of_error(plan, error)
        state = self._settle(
            call_id,
            {
                "request_outcome": error.outcome,
                "refusal": sentence,
                "refusal_code": error.code,
            },
            {
                "status": error.status,
                "seconds": error.seconds,
                "code": error.code,
                "detail": error.detail,
            },
        )
        if state == "refused":
            raise UserError(sentence)
        return {"call_id": call_id, "state": state, "message": sentence}
