import json
import re

from odoo import api, fields, models

from ..ccp.safe import number
from .system_made import SystemMade

MASK = "***"
# Specification 1.4 to 1.9: fields that hold a phone, and fields that must stay secret
PHONES = frozenset({"participantAddress", "callerId"})
SECRETS = frozenset({"customerId"})
NOTIFY_URL = re.compile(r'"notifyURL": "([^"\\]+)/airtel_ccp/webhook/')


class CcpRequestLog(SystemMade, models.Model):
    """A request that was sent to Airtel, masked, with Airtel's answer.

    The row is committed with the call's, before the request is sent: a row without an answer means
    that no answer arrived.
    """

    _name = "ccp.request.log"
    _description = "Request to Airtel"
    _order = "id desc"
    _rec_name = "call_id"

    call_id = fields.Many2one(
        "ccp.call", readonly=True, required=True, ondelete="cascade", index=True
    )
    company_id = fields.Many2one(
        related="call_id.company_id", store=True, precompute=True, index=True
    )
    user_id = fields.Many2one(
        related="call_id.user_id", string="Agent", store=True, precompute=True
    )
    sent_at = fields.Datetime(
        "Sent", readonly=True, required=True, default=fields.Datetime.now, index=True
    )
    body = fields.Text("Request, masked", readonly=True)
    outcome = fields.Selection(related="call_id.request_outcome", string="Airtel's answer")
    status = fields.Integer("HTTP status", readonly=True, aggregator=None)
    duration = fields.Integer("Time (milliseconds)", readonly=True, aggregator="avg")
    code = fields.Char("Airtel's error code", readonly=True)
    detail = fields.Char("Airtel's message", readonly=True)
    correlation_id = fields.Char(related="call_id.correlation_id")

    @api.model
    def _open(self, call, body):
        """Log a request that is about to be sent.

        :param call: the request's ``ccp.call``
        :param dict body: the request's body
        :return: the new row
        """
        text = json.dumps(self._masked(body), indent=2, ensure_ascii=False)
        return self.create({"call_id": call.id, "body": text})

    @api.model
    def _masked(self, value, name=""):
        """Return a request's body without phones, secrets, and the address with the token.

        :param value: the body or a part of it
        :param str name: the key of the part
        """
        if isinstance(value, dict):
            if name == "headers":
                return dict.fromkeys(value, MASK)
            return {key: self._masked(part, key) for key, part in value.items()}
        if isinstance(value, list):
            return [self._masked(part, name) for part in value]
        if not isinstance(value, str):
            return value
        if name in SECRETS:
            return MASK
        if name == "notifyURL":
            return f"{value.rpartition('/')[0]}/{MASK}"
        return number.mask(value) if name in PHONES else number.mask_in(value)

    def _notify_base(self):
        """Return the address, without its path, to which a request asked Airtel to report.

        :return: "" if there is no request, or its log lacks the address
        :rtype: str
        """
        match = NOTIFY_URL.search(self.body or "")
        return match[1] if match else ""

    def _close(self, status, seconds, code="", detail=""):
        """Log the answer.

        :param int | None status: the answer's HTTP status; None without an answer
        :param float seconds: how long it took
        :param str code: the error code, "" for a success
        :param str detail: Airtel's message, masked
        """
        self.write(self._values_of(status, seconds, code, detail))

    @api.model
    def _values_of(self, status, seconds, code="", detail=""):
        """Return the values that store an answer; see ``_close``.

        :rtype: dict
        """
        return {
            "status": status or 0,
            "duration": round(seconds * 1000),
            "code": code or False,
            "detail": detail or False,
        }
