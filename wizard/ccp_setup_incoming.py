import json
import logging
import time

import requests

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..ccp.safe import number
from ..ccp.safe.faults import name_of
from .ccp_setup import STEP_STATES

_logger = logging.getLogger(__name__)

# A test asks like a caller with a withheld number: no customer is searched
TRY_HEADER = "X-Airtel-Ccp-Try"
TEST_SECONDS = 5
MAX_ANSWER = 64 * 1024


class CcpSetup(models.TransientModel):
    """The set-up page's step for incoming calls; companies without incoming calls skip it."""

    _inherit = "ccp.setup"

    incoming_state = fields.Selection(
        STEP_STATES, "Incoming calls", compute="_compute_incoming_step"
    )
    incoming_note = fields.Char(compute="_compute_incoming_step")
    incoming_flow_id = fields.Many2one("ccp.call.flow", compute="_compute_incoming_flow_id")
    # Computed one by one: a field that is written alone must not hide the others
    incoming_number = fields.Char(
        "Airtel number", compute="_compute_incoming_number", inverse="_inverse_incoming"
    )
    incoming_desk = fields.Char(
        "Desk's number", compute="_compute_incoming_desk", inverse="_inverse_incoming"
    )
    incoming_team_id = fields.Many2one(
        "crm.team", "Team", compute="_compute_incoming_team_id", inverse="_inverse_incoming"
    )
    incoming_calendar_id = fields.Many2one(
        "resource.calendar",
        "Opening hours",
        compute="_compute_incoming_calendar_id",
        inverse="_inverse_incoming",
    )
    route_url = fields.Char("Routing URL", compute="_compute_route_url")
    route_header = fields.Char(related="company_id.ccp_route_header", readonly=False)
    route_secret = fields.Char(related="company_id.ccp_route_secret", readonly=False)
    channels = fields.Integer(related="company_id.ccp_channels", readonly=False)
    route_test = fields.Text("Test result", readonly=True)
    route_test_passed = fields.Boolean(readonly=True)

    @api.depends("company_id")
    def _compute_incoming_flow_id(self):
        for page in self:
            page.incoming_flow_id = page.company_id._ccp_incoming_flows()[:1]

    @api.depends("incoming_flow_id")
    def _compute_incoming_number(self):
        for page in self:
            page.incoming_number = page.incoming_flow_id.caller_number

    @api.depends("incoming_flow_id")
    def _compute_incoming_desk(self):
        for page in self:
            page.incoming_desk = page.incoming_flow_id.desk_number

    @api.depends("incoming_flow_id")
    def _compute_incoming_team_id(self):
        for page in self:
            page.incoming_team_id = page.incoming_flow_id.ring_team_id

    @api.depends("incoming_flow_id")
    def _compute_incoming_calendar_id(self):
        for page in self:
            page.incoming_calendar_id = page.incoming_flow_id.calendar_id

    def _inverse_incoming(self):
        for name in ("incoming_team_id", "incoming_calendar_id"):
            self._ccp_check_named(name)
        for page in self.filtered(lambda each: each.incoming_number and each.incoming_desk):
            values = {
                "caller_number": page.incoming_number,
                "desk_number": page.incoming_desk,
                "ring_team_id": page.incoming_team_id.id,
                "calendar_id": page.incoming_calendar_id.id,
            }
            flow = page.company_id._ccp_incoming_flows()[:1].sudo(False)
            if flow:
                flow.write(values)
                continue
            page.company_id._ccp_make_incoming_flow(values)
            page.invalidate_recordset(["incoming_flow_id", "incoming_state", "incoming_note"])

    @api.depends("company_id", "notify_base_url")
    def _compute_route_url(self):
        for page in self:
            page.route_url = page.company_id._ccp_route_url()

    @api.depends("incoming_flow_id", "incoming_number", "route_header", "route_secret")
    def _compute_incoming_step(self):
        for page in self:
            state, note = page._incoming_step()
            page.incoming_state = state
            page.incoming_note = note

    def _incoming_step(self):
        """Return state and sentence of the step.

        :rtype: tuple[str, str]
        """
        _ = self.env._
        if not self.incoming_flow_id:
            return "administrator", _(
                "If customers call one of your Airtel numbers, enter it, and the phone that rings "
                "if nobody else can be rung. Otherwise skip this step."
            )
        if self.route_header and not self.route_secret:
            return "administrator", _(
                "Enter the secret header's value too: without it, Odoo does not check the header."
            )
        bad, lines = self._lines("incoming")
        if bad:
            return bad.turn, bad.sentence
        line = lines["completeness"]
        if line.code == "complete":
            return "done", line.sentence
        return "airtel", _(
            "Give the routing URL and its secret to Airtel, and ask Airtel to use them for %s. "
            "The first incoming call completes this step.",
            self.incoming_flow_id.caller_number,
        )

    def action_renew_route_token(self):
        """Replace the token of the routing URL; see ``res.company._ccp_renew_route_token``.

        :raise AccessError: when the user is not an administrator
        """
        self.ensure_one()
        self.check_access("write")
        self.company_id._ccp_renew_route_token()

    def action_test_route(self):
        """Ask the routing URL as Airtel would, and show the answer; nothing rings.

        :raise AccessError: when the user is not an administrator
        :raise UserError: while no Airtel number takes incoming calls
        """
        self.ensure_one()
        self.check_access("write")
        company = self.company_id.sudo()
        if not self.incoming_flow_id:
            raise UserError(
                self.env._("Enter the Airtel number and the desk's number first, then test.")
            )
        # The request runs in a transaction of its own, which sees only what is committed
        headers = {TRY_HEADER: "1", **company._ccp_route_headers()}
        body = {"callingParticipant": "", "callerId": self.incoming_flow_id.caller_number}
        began = time.monotonic()
        try:
            with requests.post(
                company._ccp_route_url(),
                json=body,
                headers=headers,
                timeout=TEST_SECONDS,
                allow_redirects=False,
                stream=True,
            ) as answer:
                content = answer.raw.read(MAX_ANSWER, decode_content=True)
        except (requests.RequestException, OSError) as error:
            self._keep_route_test(False, self._unreached_sentence(error))
            return
        milliseconds = round(1000 * (time.monotonic() - began))
        self._keep_route_test(*self._answer_sentence(answer.status_code, content, milliseconds))

    def _keep_route_test(self, passed, sentence):
        self.write({"route_test_passed": passed, "route_test": sentence})

    def _unreached_sentence(self, error):
        """Return what it means that the routing URL could not be reached.

        :param Exception error: the client's error
        :rtype: str
        """
        _logger.info("The routing URL did not answer its test (%s)", name_of(error))
        if isinstance(error, requests.exceptions.SSLError):
            return self.env._(
                "The certificate of this Odoo's public address is not valid, so Airtel would not "
                "connect to it. See “Reports from Airtel” above."
            )
        if isinstance(error, requests.Timeout):
            return self.env._(
                "No answer came within %s seconds, so callers would hear nothing: ask your server "
                "administrator to check why. Perhaps this server cannot reach its own public "
                "address.",
                TEST_SECONDS,
            )
        return self.env._(
            "The address cannot be reached from this server: check “Public address”, or test it "
            "from outside."
        )

    def _answer_sentence(self, status, content, milliseconds):
        """Return whether the routing URL answered correctly, and a sentence about its answer.

        :param int status: the HTTP status
        :param bytes content: the answer's body
        :param int milliseconds: how long it took
        :rtype: tuple[bool, str]
        """
        _ = self.env._
        if status == 403:
            return False, _(
                "403: the secret header was not accepted. Save its name and value again, then test."
            )
        try:
            rung = json.loads(content)["client_add_participant"]["participants"]
            phones = [number.mask(each["participantAddress"]) for each in rung]
        except (ValueError, KeyError, TypeError):
            phones = []
        if status != 200 or not phones:
            return False, _(
                "The answer was %(status)s, without a phone to ring: another server, or a proxy "
                "in front of Odoo, answers at this address.",
                status=status,
            )
        return True, _(
            "200 in %(milliseconds)s ms. A caller who withholds the number would be put through "
            "to %(phones)s.",
            milliseconds=milliseconds,
            phones=", ".join(phones),
        )
