from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.fields import Domain

from ..ccp.airtel import const
from ..ccp.safe import address
from ..models.ccp_health_words import turn_of_refusal
from ..models.own_records import OwnRecords
from ..models.sandbox_command import sandbox_command
from ..models.utils import form_of

STEPS = ("account", "flow", "notify", "users", "test")
STEP_STATES = [
    ("done", "Done"),
    ("administrator", "Next step: you"),
    ("airtel", "Next step: Airtel"),
    ("server", "Next step: server administrator"),
    ("running", "In progress"),
]
# The sandbox's customer who picks up and talks
TRIAL_CUSTOMER = "7000000101"
# The lines of the health list that a step shows
LINES = {
    "account": ("base_url", "credentials"),
    "flow": ("flow",),
    "notify": ("notify_url", "reports", "silent_calls"),
    "users": ("phones",),
    "incoming": ("completeness",),
}


def selection_of_step(string):
    """Return a field with the state of a step: whether it is done, and who takes it."""
    return fields.Selection(STEP_STATES, string, compute="_compute_steps")


class CcpSetup(OwnRecords, models.TransientModel):
    """The page that leads an administrator from a fresh install to the first connected call.

    It stores nothing of its own: each step shows and writes the company's settings, and checks
    itself against calls and reports. The test call is placed on the page's own record.
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
    sandbox_command = fields.Char("Command", compute="_compute_sandbox_command")
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
    flow_id = fields.Many2one("ccp.call.flow", compute="_compute_flow_id")
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
        help="Another phone near you: Airtel rings it when you have picked up.",
    )
    test_call_id = fields.Many2one("ccp.call", "Last test call", compute="_compute_test_call_id")

    @api.depends("company_id")
    def _compute_display_name(self):
        for page in self:
            page.display_name = self.env._("Set up calling")

    def _phone_get_number_fields(self):
        """Make the test call's number callable."""
        return ["test_number"]

    @api.model
    def action_open(self):
        """Open the page for the current company.

        :return: an action
        :rtype: dict
        :raise AccessError: when the user is not an administrator
        """
        self.check_access("create")
        self.env.company._ccp_correct_health()
        return form_of(self.create({}), self.env._("Set up calling"), target="current")

    # What the page shows

    def _compute_sandbox_command(self):
        self.sandbox_command = sandbox_command()

    @api.depends("trial")
    def _compute_trial_call_count(self):
        for page in self:
            page.trial_call_count = page.company_id._ccp_count_calls(Domain("trial", "=", True))

    @api.depends("company_id.ccp_flow_id")
    def _compute_flow_id(self):
        for page in self:
            company = page.company_id
            page.flow_id = company._ccp_default_flow() or company.ccp_flow_id

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

    @api.depends("company_id")
    def _compute_phoneless_user_ids(self):
        for page in self:
            page.phoneless_user_ids = page.company_id._ccp_callers().filtered(
                lambda user: not user.ccp_phone
            )

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

    @api.depends_context("uid")
    def _compute_test_call_id(self):
        for page in self:
            page.test_call_id = page.company_id._ccp_calls(
                Domain("user_id", "=", self.env.uid)
                & Domain("res_model", "=", self._name)
                & Domain("trial", "=", page.trial),
                limit=1,
            )

    # The state of the steps

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
            page.done_count = 0
            for step in STEPS:
                state, note = getattr(page, f"_{step}_step")()
                page[f"{step}_state"] = state
                page[f"{step}_note"] = note
                page.done_count += state == "done"
            page.progress = self.env._(
                "%(done)s of %(steps)s steps done", done=page.done_count, steps=len(STEPS)
            )

    def _lines(self, step):
        """Return the health list's lines for a step, by their keys, see ``LINES``.

        :return: the first bad line, or an empty one; and all lines
        :rtype: tuple[odoo.models.BaseModel, dict]
        """
        health = self.env["ccp.health"]
        lines = {key: health._standing(self.company_id, key) for key in LINES[step]}
        bad = [line for line in lines.values() if line.state == "bad"]
        # A line for which nobody has to act follows from another line
        return next((line for line in bad if line.turn), health), lines

    def _account_step(self):
        """Return state and sentence of the account: address and credentials.

        :rtype: tuple[str, str]
        """
        bad, lines = self._lines("account")
        if bad:
            return bad.turn, bad.sentence
        if self.trial:
            return "done", self.env._(
                "Trial: calls go to the sandbox at %s, which rings nobody. Your account is not "
                "used.",
                self.trial_url or const.SANDBOX_URL,
            )
        return "done", lines["credentials"].sentence

    def _flow_step(self):
        """Return state and sentence of the default call flow.

        :rtype: tuple[str, str]
        """
        bad, lines = self._lines("flow")
        return (bad.turn, bad.sentence) if bad else ("done", lines["flow"].sentence)

    def _notify_step(self):
        """Return state and sentence of the address for reports.

        :rtype: tuple[str, str]
        """
        bad, lines = self._lines("notify")
        if bad:
            return bad.turn, bad.sentence
        reports = lines["reports"]
        if reports.state == "ok":
            return "done", reports.sentence
        return "airtel", self.env._(
            "Ask Airtel to allow-list %s for reports. The first report proves that it did.",
            address.read(self.company_id._ccp_notify_base()).host,
        )

    def _users_step(self):
        """Return state and sentence of the people who call.

        :rtype: tuple[str, str]
        """
        phones = self._lines("users")[1]["phones"]
        return ("done" if phones.state == "ok" else "administrator"), phones.sentence

    def _test_step(self):
        """Return state and sentence of the test call; once one has connected, the step stays done.

        :rtype: tuple[str, str]
        """
        _ = self.env._
        connected = self._connected_test_call()
        if connected:
            return "done", _("The test call of %s connected.", self._when(connected.start_date))
        call = self.test_call_id
        if not self.env.user.has_group("airtel_ccp.group_ccp_user"):
            return "administrator", _(
                "You do not have the right to call: give it to yourself in the step above."
            )
        if not call:
            return "administrator", _(
                "Enter your own phone and a second one near you, then choose Call: yours rings "
                "first."
            )
        if call.live:
            return "running", _("Follow the call in the panel.")
        when = self._when(call.start_date)
        if call.state == "refused":
            return turn_of_refusal(call._about()), call._refusal_sentence()
        if call.result == "no_report" and self.notify_state == "administrator":
            return "administrator", _(
                "Airtel accepted the call of %s, but no report arrived: correct the address under "
                "“Reports from Airtel”, then call again.",
                when,
            )
        if call.result == "no_report":
            return "airtel", _(
                "Airtel accepted the call of %s, but no report arrived: ask Airtel whether it "
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

    def _connected_test_call(self):
        """Return the last test call, of any user, that connected with the present account.

        :return: a ``ccp.call`` or an empty recordset, as superuser
        """
        domain = (
            Domain("res_model", "=", self._name)
            & Domain("trial", "=", self.trial)
            & Domain("result", "=", "connected")
        )
        changed = self.company_id.sudo().ccp_account_date
        if changed and not self.trial:
            domain &= Domain("create_date", ">=", changed)
        return self.company_id._ccp_calls(domain, limit=1)

    def _when(self, moment):
        """Return a moment in the reader's time zone and format.

        :param datetime.datetime moment: UTC
        :rtype: str
        """
        field = self.env["ir.qweb.field.datetime"]
        return field.value_to_html(moment, {"format": "short"})

    # What the page does

    def action_check(self):
        """Test the steps again.

        :return: nothing: the page is reloaded
        :raise AccessError: when the user is not an administrator
        """
        self.ensure_one()
        self.check_access("write")
        self.company_id._ccp_check_health()

    def action_renew_token(self):
        """Replace the token of the notify URL; see ``res.company._ccp_renew_token``.

        :raise AccessError: when the user is not an administrator
        """
        self.ensure_one()
        self.check_access("write")
        self.company_id._ccp_renew_token()

    def action_call(self):
        """Place the test call in the browser, where the panel shows it.

        :return: an action
        :rtype: dict
        :raise AccessError: when the user is not an administrator, or may not call
        """
        self.ensure_one()
        self.check_access("write")
        self.env.user._ccp_check_may_call()
        return self._ccp_call_action("test_number")

    def action_delete_trial_calls(self):
        """Delete the company's trial calls and all data about them.

        :raise AccessError: when the user is not an administrator
        """
        self.ensure_one()
        self.check_access("write")
        if not self.env.user.has_group("base.group_system"):
            raise AccessError(self.env._("Only an administrator may delete trial calls."))
        over = Domain("trial", "=", True) & Domain("live", "=", False)
        calls = self.company_id._ccp_calls(over)
        callbacks = calls.callback_id.filtered("trial")
        calls._delete_calls()
        callbacks.unlink()

    def action_users(self):
        """Open the list of the company's users with their phones.

        :return: an action
        :rtype: dict
        :raise AccessError: when the user is not an administrator
        """
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id("airtel_ccp.action_ccp_users")
        action["domain"] = [("share", "=", False), ("company_ids", "in", self.company_id.ids)]
        return action
