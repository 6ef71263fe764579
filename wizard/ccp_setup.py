from urllib.parse import urlsplit

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.fields import Domain

from ..ccp import const, probe

STEPS = ("account", "flow", "notify", "users", "test")
STEP_STATES = [
    ("done", "Done"),
    ("administrator", "Your turn"),
    ("airtel", "Airtel's turn"),
    ("server", "This server's turn"),
    ("running", "Under way"),
]
# The sandbox's customer who picks up and talks
TRIAL_CUSTOMER = "7000000101"
# With these a call is refused because of the step's settings (specification 2 and 4.2)
ACCOUNT_CODES = frozenset(
    {
        "BAD_URL",
        "CUSTOMER_DETAILS_NOT_AVAILABLE",
        "CUSTOMER_ID_NULL_ERROR",
        "HTTP_401",
        "HTTP_403",
        "HTTP_404",
        "HTTP_405",
        "INCORRECT_CUSTOMER_ID",
        "NO_CONNECTION",
        "TLS",
    }
)
FLOW_CODES = frozenset(
    {
        "CALLER_ID_NULL_ERROR",
        "CALLER_ID_REGEX_ERROR",
        "CALL_FLOW_ID_NULL_ERROR",
        "INCORRECT_CALL_FLOW_ID",
        "INVALID_CALLER_ID",
    }
)
SERVER_CODES = frozenset({"NO_CONNECTION", "TLS"})


def selection_of_step(string):
    """Return a field that tells how a step stands, and whose turn it is."""
    return fields.Selection(STEP_STATES, string, compute="_compute_steps")


class CcpSetup(models.TransientModel):
    """The page on which an administrator gets from a fresh install to the first connected call.

    It keeps nothing of its own: each step shows and writes the company's settings, and tests
    itself against what is really there. A test call is placed on the page's own record.
    """

    _name = "ccp.setup"
    _description = "Set up calling"

    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, default=lambda self: self.env.company
    )
    contact_name = fields.Char(
        "Name in the test call", default=lambda self: self.env._("Test call")
    )
    done_count = fields.Integer("Steps done", compute="_compute_steps")
    progress = fields.Char(compute="_compute_steps")

    trial = fields.Boolean(related="company_id.ccp_trial", readonly=False)
    trial_url = fields.Char(related="company_id.ccp_trial_url", readonly=False)
    trial_call_count = fields.Integer("Trial calls", compute="_compute_trial_call_count")

    account_state = selection_of_step("Account")
    account_note = fields.Char(compute="_compute_steps")
    username = fields.Char(related="company_id.ccp_username", readonly=False)
    password = fields.Char(related="company_id.ccp_password", readonly=False)
    customer_id = fields.Char(related="company_id.ccp_customer_id", readonly=False)
    base_url = fields.Char(related="company_id.ccp_base_url", readonly=False)
    api_path = fields.Char(related="company_id.ccp_api_path", readonly=False)

    flow_state = selection_of_step("Call flow and caller number")
    flow_note = fields.Char(compute="_compute_steps")
    flow_id = fields.Many2one(related="company_id.ccp_flow_id")
    flow_code = fields.Char("Call flow id", compute="_compute_flow", inverse="_inverse_flow")
    caller_number = fields.Char("Caller number", compute="_compute_flow", inverse="_inverse_flow")

    notify_state = selection_of_step("Reports from Airtel")
    notify_note = fields.Char(compute="_compute_steps")
    notify_url = fields.Char("Notify URL", compute="_compute_notify_url")
    notify_base_url = fields.Char(related="company_id.ccp_notify_base_url", readonly=False)

    users_state = selection_of_step("People and their phones")
    users_note = fields.Char(compute="_compute_steps")
    phoneless_user_ids = fields.Many2many(
        "res.users", string="Without a phone", compute="_compute_phoneless_user_ids"
    )

    test_state = selection_of_step("Test call")
    test_note = fields.Char(compute="_compute_steps")
    my_phone = fields.Char(compute="_compute_my_phone", inverse="_inverse_my_phone")
    test_number = fields.Char(
        "Connect me with",
        compute="_compute_test_number",
        store=True,
        readonly=False,
        help="Another phone that is beside you: Airtel rings it when you have picked up.",
    )
    test_call_id = fields.Many2one("ccp.call", compute="_compute_test_call_id")

    @api.depends("company_id")
    def _compute_display_name(self):
        for page in self:
            page.display_name = self.env._("Set up calling")

    def _phone_get_number_fields(self):
        """Let the test call's number be called."""
        return ["test_number"]

    @api.model
    def action_open(self):
        """Open the page for the current company.

        :return: an action
        :rtype: dict
        :raise AccessError: when the user is no administrator
        """
        self.check_access("create")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Set up calling"),
            "res_model": self._name,
            "res_id": self.create({}).id,
            "view_mode": "form",
            "views": [(False, "form")],
        }

    # What the page shows

    @api.depends("trial")
    def _compute_trial_call_count(self):
        for page in self:
            page.trial_call_count = self._calls().search_count(
                [("company_id", "=", page.company_id.id), ("trial", "=", True)]
            )

    @api.depends("flow_id")
    def _compute_flow(self):
        for page in self:
            page.flow_code = page.flow_id.code
            page.caller_number = page.flow_id.caller_number

    def _inverse_flow(self):
        for page in self.filtered(lambda each: each.flow_code and each.caller_number):
            page.company_id._ccp_set_flow(page.flow_code, page.caller_number)

    @api.depends("notify_base_url")
    def _compute_notify_url(self):
        for page in self:
            company = page.company_id
            page.notify_url = company._ccp_notify_url(company.ccp_webhook_token)

    def _callers(self):
        """Return the people of the company who may call.

        :rtype: odoo.models.BaseModel
        """
        return self.env["ccp.health"]._callers(self.company_id)

    @api.depends("company_id")
    def _compute_phoneless_user_ids(self):
        for page in self:
            page.phoneless_user_ids = page._callers().filtered(lambda user: not user.ccp_phone)

    @api.depends_context("uid")
    def _compute_my_phone(self):
        for page in self:
            page.my_phone = self.env.user.ccp_phone

    def _inverse_my_phone(self):
        for page in self:
            self.env.user.ccp_phone = page.my_phone

    @api.depends("trial")
    def _compute_test_number(self):
        for page in self:
            if page.trial:
                page.test_number = page.test_number or TRIAL_CUSTOMER
            elif page.test_number == TRIAL_CUSTOMER:
                page.test_number = False

    def _calls(self):
        """Return the model of calls: an administrator sets up, also without a right to calls."""
        return self.env["ccp.call"].sudo()

    @api.depends_context("uid")
    def _compute_test_call_id(self):
        for page in self:
            page.test_call_id = self._calls().search(
                Domain("user_id", "=", self.env.uid)
                & Domain("company_id", "=", page.company_id.id)
                & Domain("res_model", "=", self._name)
                & Domain("trial", "=", page.trial),
                limit=1,
            )

    # How the steps stand

    @api.depends(
        "trial",
        "trial_url",
        "username",
        "password",
        "customer_id",
        "base_url",
        "api_path",
        "flow_id",
        "notify_base_url",
        "my_phone",
        "test_call_id.state",
    )
    def _compute_steps(self):
        for page in self:
            states = {step: getattr(page, f"_{step}_step")() for step in STEPS}
            for step, (state, note) in states.items():
                page[f"{step}_state"] = state
                page[f"{step}_note"] = note
            page.done_count = sum(state == "done" for state, _note in states.values())
            page.progress = self.env._(
                "%(done)s of %(steps)s steps done", done=page.done_count, steps=len(STEPS)
            )

    def _account_step(self):
        """Return state and sentence of the account: address and credentials.

        :rtype: tuple[str, str]
        """
        _ = self.env._
        if self.trial:
            return "done", _(
                "Trial: calls go to the sandbox at %s, which rings nobody. Your account is not "
                "used.",
                self.trial_url or const.SANDBOX_URL,
            )
        missing = self.company_id._ccp_missing_settings()
        if missing:
            return "administrator", _(
                "Still missing: %s. Enter them, or import the Postman file that Airtel sent you.",
                ", ".join(missing),
            )
        answer = self.company_id._ccp_last_answer()
        if answer.refusal_code in ACCOUNT_CODES:
            return self._turn(answer), answer.refusal
        if answer:
            return "done", _("Airtel answered a call with these.")
        line = self._bad_health("base_url")
        if line:
            return line.turn, line.sentence
        if probe.is_private(self.base_url):
            return "administrator", _(
                "The base URL leads into a private network, and Airtel is not there: enter the "
                "one that Airtel gave you."
            )
        return "done", _("Complete. Whether Airtel accepts them shows with the test call.")

    def _flow_step(self):
        """Return state and sentence of the default call flow.

        :rtype: tuple[str, str]
        """
        _ = self.env._
        if self.trial:
            return "done", _("Trial: the sandbox brings its own call flow and caller number.")
        if not self.flow_id:
            return "administrator", _(
                "Enter the call flow id and the caller number that Airtel gave you."
            )
        if not self.flow_id.active:
            return "administrator", _(
                "Call flow %s is archived: choose another one, or restore it.", self.flow_id.name
            )
        answer = self.company_id._ccp_last_answer()
        tried = (
            answer
            and answer.flow_id == self.flow_id
            and answer.create_date >= self.flow_id.write_date
        )
        if tried and answer.refusal_code in FLOW_CODES:
            return self._turn(answer), answer.refusal
        return "done", _(
            "Calls run “%(flow)s”, and both phones show %(number)s.",
            flow=self.flow_id.name,
            number=self.flow_id.caller_number,
        )

    def _notify_step(self):
        """Return state and sentence of the address for reports.

        :rtype: tuple[str, str]
        """
        _ = self.env._
        report = (
            self.env["ccp.call.event"]
            .sudo()
            .search(
                Domain("call_id.company_id", "=", self.company_id.id)
                & Domain("call_id.imported", "=", False)
                & Domain("call_id.trial", "=", self.trial),
                order="received_at desc",
                limit=1,
            )
        )
        if report:
            return "done", _("The last report came %s.", self._when(report.received_at))
        if self.trial:
            return "done", _("The sandbox reports to this server by itself.")
        parts = urlsplit(self.notify_url)
        if probe.is_private(self.notify_url):
            return "administrator", _(
                "Airtel cannot reach %s from outside: enter the public address of this Odoo.",
                parts.hostname,
            )
        if parts.scheme != "https":
            return "administrator", _(
                "Reports would travel readable for everybody: enter an address that begins with "
                "https://, with a certificate that is valid."
            )
        line = self._bad_health("notify_url")
        if line:
            return line.turn, line.sentence
        return "airtel", _(
            "Ask Airtel to allow-list %s for reports. The first report proves that it did.",
            parts.hostname,
        )

    def _users_step(self):
        """Return state and sentence of the people who call.

        :rtype: tuple[str, str]
        """
        _ = self.env._
        callers = self._callers()
        if not callers:
            return "administrator", _("Nobody may call yet: choose who may, and enter phones.")
        count = len(self.phoneless_user_ids)
        if count:
            return "administrator", _(
                "Without a phone: %(count)s of %(callers)s who may call. Airtel rings the caller's "
                "own phone first.",
                count=count,
                callers=len(callers),
            )
        return "done", _("Everybody who may call has a phone: %s.", len(callers))

    def _test_step(self):
        """Return state and sentence of the test call.

        :rtype: tuple[str, str]
        """
        _ = self.env._
        call = self.test_call_id
        if not self.env.user.has_group("airtel_ccp.group_ccp_user"):
            return "administrator", _("You may not call yourself: allow it under the step above.")
        if not call:
            return "administrator", _(
                "Enter your own phone and a second one beside you, then choose Call: yours rings "
                "first."
            )
        if call.live:
            return "running", _("Follow the call in the panel.")
        when = self._when(call.start_date)
        if call.result == "connected":
            return "done", _("The test call of %s connected.", when)
        if call.state == "refused":
            return self._turn(call), call.refusal
        if call.result == "no_report":
            return "airtel", _(
                "Airtel took the call of %s, but no report arrived: ask Airtel whether it "
                "allow-listed the domain of the notify URL.",
                when,
            )
        result = dict(call._fields["result"]._description_selection(self.env)).get(call.result, "")
        return "administrator", _(
            "The test call of %(when)s did not connect (%(result)s): check both phones, then call "
            "again.",
            when=when,
            result=result,
        )

    def _turn(self, call):
        """Return whose turn it is after Airtel refused a call.

        :param call: one ``ccp.call``
        :return: a key of ``STEP_STATES``
        :rtype: str
        """
        known = const.ERROR_CODES.get(call.refusal_code)
        if known and known.mender == const.AIRTEL:
            return "airtel"
        return "server" if call.refusal_code in SERVER_CODES else "administrator"

    def _when(self, moment):
        """Return a moment in the reader's time zone and format.

        :param datetime.datetime moment: UTC
        :rtype: str
        """
        field = self.env["ir.qweb.field.datetime"]
        return field.value_to_html(moment, {"format": "short"})

    def _bad_health(self, key):
        """Return the health line of this key, where it is bad and about the present settings.

        :rtype: odoo.models.BaseModel
        """
        line = self.env["ccp.health"].search(
            [("company_id", "=", self.company_id.id), ("key", "=", key), ("state", "=", "bad")]
        )
        changed = self.company_id.write_date
        return line if line and changed and line.write_date >= changed else line.browse()

    # What the page does

    def action_check(self):
        """Test the steps again.

        :return: nothing: the page is read again
        :raise AccessError: when the user is no administrator
        """
        self.ensure_one()
        self.check_access("write")
        self.env["ccp.health"]._check(self.company_id)

    def action_renew_token(self):
        """Replace the token of the notify URL; see ``res.company._ccp_renew_token``.

        :raise AccessError: when the user is no administrator
        """
        self.ensure_one()
        self.check_access("write")
        self.company_id._ccp_renew_token()

    def action_call(self):
        """Place the test call, in the browser: its panel shows it.

        :return: an action
        :rtype: dict
        :raise AccessError: when the user is no administrator, or may not call
        """
        self.ensure_one()
        self.check_access("write")
        self.env["ccp.panel"]._check_user()
        return self.env["ccp.dialer"]._client_action(self, "test_number")

    def action_delete_trial_calls(self):
        """Delete the company's trial calls with all that belongs to them.

        :raise AccessError: when the user is no administrator
        """
        self.ensure_one()
        self.check_access("write")
        if not self.env.user.has_group("base.group_system"):
            raise AccessError(self.env._("Only an administrator deletes trial calls."))
        domain = Domain("company_id", "=", self.company_id.id) & Domain("trial", "=", True)
        calls = self._calls().search(domain & Domain("live", "=", False))
        self.env["ccp.retention"]._delete_calls(calls)

    def action_users(self):
        """Open the list of the company's people with their phones.

        :return: an action
        :rtype: dict
        :raise AccessError: when the user is no administrator
        """
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id("airtel_ccp.action_ccp_users")
        action["domain"] = [("share", "=", False), ("company_ids", "in", self.company_id.ids)]
        return action

    @api.model
    def _is_needed(self, company):
        """Tell whether a company cannot call yet.

        :param company: one ``res.company``
        :rtype: bool
        """
        company = company.sudo()
        if company.ccp_trial:
            return False
        return bool(company._ccp_missing_settings()) or not company.ccp_flow_id
