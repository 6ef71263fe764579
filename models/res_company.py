import dataclasses
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain

from ..ccp.airtel import const
from ..ccp.safe import address, hosts
from ..ccp.safe import text as untrusted
from ..ccp.safe.spool import digest
from .report_store import still_valid
from .spool import make_token

WEBHOOK_ROUTE = "/airtel_ccp/webhook/"
# Shown instead of a stored password
PASSWORD_MASK = "\N{BULLET}" * 8
OLD_TOKEN_PERIOD = timedelta(days=1)
# The fields on which Airtel's answer to a request depends
ACCOUNT_FIELDS = (
    "ccp_base_url",
    "ccp_api_path",
    "ccp_username",
    "ccp_secret_password",
    "ccp_customer_id",
)
ADDRESS_FIELDS = (
    "ccp_base_url",
    "ccp_api_path",
    "ccp_trial_url",
    "ccp_notify_base_url",
    "ccp_recording_hosts",
)
# The fields that health checks
CHECKED_FIELDS = (*ACCOUNT_FIELDS, *ADDRESS_FIELDS, "ccp_password", "ccp_flow_id", "ccp_trial")
PERIOD_FIELDS = (
    "ccp_keep_recordings_days",
    "ccp_keep_reports_days",
    "ccp_keep_unmatched_days",
    "ccp_keep_calls_days",
)
# The first parts of Odoo's own pages, for addresses that are copied from the browser
OWN_PAGES = ("web", "odoo", "airtel_ccp")


class ResCompany(models.Model):
    """The settings of a company's Airtel CCP account: address, credentials and house rules."""

    _inherit = "res.company"

    ccp_base_url = fields.Char(
        "Airtel base URL",
        default=const.DEFAULT_BASE_URL,
        help="Address of your Airtel CCP account, as Airtel gave it to you.",
        groups="base.group_system",
    )
    ccp_api_path = fields.Char(
        "Airtel API path",
        default=const.DEFAULT_API_PATH,
        help="Path that is added to the base URL to place a call.",
        groups="base.group_system",
    )
    ccp_username = fields.Char("Airtel user name", copy=False, groups="base.group_system")
    ccp_password = fields.Char(
        "Airtel password",
        compute="_compute_ccp_password",
        inverse="_inverse_ccp_password",
        compute_sudo=True,
        help="Can be replaced, but not read.",
        groups="base.group_system",
    )
    ccp_secret_password = fields.Char(
        "Airtel password, as stored", copy=False, groups=fields.NO_ACCESS
    )
    ccp_account_date = fields.Datetime(
        "Account changed", copy=False, readonly=True, groups="base.group_system"
    )
    ccp_customer_id = fields.Char("Airtel customer id", copy=False, groups="base.group_system")
    ccp_flow_id = fields.Many2one(
        "ccp.call.flow",
        "Default call flow",
        ondelete="restrict",
        domain="[('company_id', '=', id)]",
        groups="base.group_system",
    )
    ccp_webhook_token = fields.Char(
        "Notify URL token",
        copy=False,
        default=lambda self: make_token(self.env),
        groups="base.group_system",
    )
    ccp_old_tokens = fields.Json(
        "Digests of old tokens that still count", copy=False, groups=fields.NO_ACCESS
    )
    ccp_notify_base_url = fields.Char(
        "Public address of this Odoo",
        help="The public address, with https, at which Airtel reaches this Odoo. If it is empty, "
        "Odoo uses the web address of this database. Once reports have arrived there, Odoo saves "
        "that address here, so that it stays the same if the web address changes.",
        groups="base.group_system",
    )
    ccp_require_header = fields.Boolean(
        "Require the secret header",
        help="Each request asks Airtel to send a secret header with its reports. If this is on, "
        "Odoo rejects reports without that header.",
        groups="base.group_system",
    )
    ccp_recording_hosts = fields.Char(
        "Recording hosts",
        default="*.airtel.in",
        help="Hosts from which recordings may be fetched, comma separated. A name means https "
        "only; an entry with scheme and port, such as http://127.0.0.1:8270, allows exactly "
        "that origin.",
        groups="base.group_system",
    )
    ccp_number_country_id = fields.Many2one(
        "res.country",
        "Numbers without a country code",
        default=lambda self: self.env.ref("base.in", raise_if_not_found=False),
        help="Phone numbers without a country code are read as this country's; leave empty for "
        "India. Indian mobiles are recognised whatever you choose.",
        groups="base.group_system",
    )
    ccp_calendar_id = fields.Many2one(
        "resource.calendar",
        "Calling hours",
        check_company=True,
        default=lambda self: self.env.ref(
            "airtel_ccp.resource_calendar_calling_hours", raise_if_not_found=False
        ),
        help="Calls can be placed within these hours only. Leave empty to allow any time.",
        groups="base.group_system",
    )
    ccp_pulse_price = fields.Float(
        "Price of a pulse",
        digits=(16, 4),
        help="What Airtel charges for a pulse, in the company's currency. Calls keep the price "
        "of the day on which Airtel reported their pulses.",
        groups="base.group_system",
    )
    ccp_require_outcome = fields.Boolean(
        "Require an outcome",
        help="After a call that connected, agents choose an outcome before they call again.",
        groups="base.group_system",
    )
    ccp_recording_policy = fields.Selection(
        [("flow", "As set in each call flow"), ("never", "Never")],
        "Record calls",
        default="flow",
        required=True,
        help="“Never” switches recording off for all calls, whatever a call flow or an agent "
        "chooses.",
        groups="base.group_system",
    )
    ccp_chatter_mode = fields.Selection(
        [
            ("card", "One card for a call, updated as reports arrive"),
            ("notes", "A note for every report"),
        ],
        "In the chatter",
        default="card",
        required=True,
        groups="base.group_system",
    )

    ccp_keep_copies = fields.Boolean(
        "Keep copies of recordings",
        default=True,
        help="Odoo fetches each recording after the call. If this is off, recordings stay at "
        "Airtel for as long as Airtel keeps them: Odoo fetches one when somebody listens, and "
        "deletes it an hour after the last listener.",
        groups="base.group_system",
    )
    ccp_keep_recordings_days = fields.Integer(
        "Keep recordings (days)",
        help="Zero keeps them forever.",
        groups="base.group_system",
    )
    ccp_keep_reports_days = fields.Integer(
        "Keep raw reports (days)",
        help="Zero keeps them forever. Without its reports a call stays as it is.",
        groups="base.group_system",
    )
    ccp_keep_calls_days = fields.Integer(
        "Keep calls (days)",
        help="Zero keeps them forever. A call is deleted together with its recording, reports and "
        "chatter cards.",
        groups="base.group_system",
    )

    ccp_trial = fields.Boolean(
        "Try without an account",
        copy=False,
        help="Calls go to the sandbox, which rings nobody. They are marked as trials, and no "
        "figure counts them. Your account's settings stay as they are.",
        groups="base.group_system",
    )
    ccp_trial_url = fields.Char(
        "Sandbox's address", default=const.SANDBOX_URL, groups="base.group_system"
    )

    @api.depends("ccp_secret_password")
    def _compute_ccp_password(self):
        for company in self:
            company.ccp_password = PASSWORD_MASK if company.ccp_secret_password else False

    def _inverse_ccp_password(self):
        # Forms write back what they show, and typed text may still contain some of the dots
        for company in self.sudo():
            typed = (company.ccp_password or "").replace(PASSWORD_MASK[0], "")
            if typed or not company.ccp_password:
                company.ccp_secret_password = typed

    def _ccp_renew_token(self):
        """Replace the token of the notify URL.

        While calls are live, the old token stays valid for a day, and their reports arrive.
        """
        self.ensure_one()
        company = self.sudo()
        now = fields.Datetime.now()
        old_tokens = still_valid(company.ccp_old_tokens)
        live = Domain("live", "=", True)
        if company.ccp_webhook_token and self._ccp_calls(live, limit=1):
            until = fields.Datetime.to_string(now + OLD_TOKEN_PERIOD)
            old_tokens[digest(company.ccp_webhook_token)] = until
        company.ccp_old_tokens = old_tokens
        company.ccp_webhook_token = make_token(self.env)

    @api.model_create_multi
    def create(self, vals_list):
        """Create companies; one that starts as a trial gets the sandbox's call flow."""
        companies = super().create([self._ccp_clean(vals) for vals in vals_list])
        for company in companies.sudo().filtered("ccp_trial"):
            company._ccp_make_trial_flow()
        return companies

    def write(self, vals):
        """Write companies; one that starts a trial gets the sandbox's call flow."""
        vals = self._ccp_clean(vals)
        names = [name for name in ACCOUNT_FIELDS if name in vals]
        changed = self.sudo().filtered(
            lambda company: any((company[name] or "") != (vals[name] or "") for name in names)
        )
        result = super().write(vals)
        if changed:
            # The transaction's time, which new calls get, too
            super(ResCompany, changed).write({"ccp_account_date": self.env.cr.now()})
        if vals.get("ccp_trial"):
            for company in self:
                company._ccp_make_trial_flow()
        if not vals.keys().isdisjoint(CHECKED_FIELDS):
            for company in self:
                company._ccp_correct_health()
        return result

    def _ccp_clean(self, vals):
        """Return ``vals`` with addresses in one spelling and ids without blanks around them.

        Values that do not change are not checked: an old one must not keep others from being saved.

        :raise ValidationError: for a value that is not an address, or cannot be used there
        """
        cleaned = {
            name: address.clean(vals[name])
            for name in ("ccp_username", "ccp_customer_id")
            if isinstance(vals.get(name), str)
        }
        for name in ADDRESS_FIELDS:
            value = vals.get(name)
            is_new = not self or any((each[name] or "") != value for each in self.sudo())
            if isinstance(value, str) and is_new:
                cleaned[name] = self._ccp_read_address(name, value)
        present = self.sudo()[:1].ccp_api_path if self else const.DEFAULT_API_PATH
        path = cleaned.get("ccp_api_path") or present
        if cleaned.get("ccp_base_url") and path:
            # Some people copy the request's whole address
            cleaned["ccp_base_url"] = cleaned["ccp_base_url"].removesuffix(path.rstrip("/"))
        return {**vals, **cleaned}

    @api.model
    def _ccp_read_address(self, name, text):
        """Return an address that somebody typed, in one spelling.

        :param str name: the field, one of ``ADDRESS_FIELDS``
        :param str text: what was typed
        :rtype: str
        :raise ValidationError: when it cannot be used; the sentence names the field
        """
        try:
            if name == "ccp_recording_hosts":
                return self._ccp_read_hosts(text)
            if name == "ccp_api_path":
                return address.mend_path(text)
            mended = address.mend(text)
        except address.AddressError as error:
            raise ValidationError(self._ccp_address_sentence(name, error.reason)) from error
        if mended:
            found = address.read(mended)
            if name == "ccp_notify_base_url":
                return self._ccp_read_public_address(found)
            if not found.is_safe:
                raise ValidationError(
                    self.env._(
                        "%(field)s: the password would be sent to %(host)s unencrypted. Enter an "
                        "address that begins with https://.",
                        field=self._ccp_label(name),
                        host=found.host,
                    )
                )
        return mended

    @api.model
    def _ccp_read_public_address(self, found):
        """Return the address that Airtel reports to; see ``_ccp_read_address``.

        An address of this machine is allowed: it is right for a sandbox on the same machine.
        """
        if found.reach == address.PRIVATE:
            raise ValidationError(
                self.env._(
                    "%(field)s: Airtel cannot reach %(host)s from outside. Enter the public "
                    "address of this Odoo.",
                    field=self._ccp_label("ccp_notify_base_url"),
                    host=found.host,
                )
            )
        if found.reach == address.PUBLIC and found.scheme != "https":
            raise ValidationError(
                self.env._(
                    "%(field)s: reports would be sent unencrypted. Enter an address that begins "
                    "with https://.",
                    field=self._ccp_label("ccp_notify_base_url"),
                )
            )
        page = found.path.split("/")[1:2]
        return str(dataclasses.replace(found, path="") if page and page[0] in OWN_PAGES else found)

    @api.model
    def _ccp_read_hosts(self, text):
        """Return the hosts of recordings in one spelling; see ``_ccp_read_address``."""
        text = address.clean(text)
        if unreadable := hosts.HostList(text).unreadable:
            raise ValidationError(
                self.env._(
                    "%(field)s: “%(entry)s” is not a host. Enter hosts such as *.airtel.in, or "
                    "whole origins such as https://recordings.example.com:8443, separated by "
                    "commas.",
                    field=self._ccp_label("ccp_recording_hosts"),
                    entry=untrusted.clean(unreadable[0], 100),
                )
            )
        return text

    @api.model
    def _ccp_label(self, name):
        return self._fields[name]._description_string(self.env)

    @api.model
    def _ccp_address_sentence(self, name, reason):
        """Return why a text is not an address, and what to enter.

        :param str name: the field
        :param str reason: see ``ccp.safe.address.AddressError``
        :rtype: str
        """
        _ = self.env._
        examples = {
            "ccp_api_path": const.DEFAULT_API_PATH,
            "ccp_base_url": const.DEFAULT_BASE_URL,
            "ccp_trial_url": const.SANDBOX_URL,
        }
        sentences = {
            "credentials": _(
                "%(field)s: an address must not contain a user name or a password. Enter it "
                "without them, for example %(example)s."
            ),
            "parameters": _(
                "%(field)s: an address must not contain parameters (what follows “?” or “#”). "
                "Enter it without them, for example %(example)s."
            ),
            "scheme": _(
                "%(field)s: a web address begins with https://. Enter one, for example %(example)s."
            ),
            "port": _(
                "%(field)s: after the colon comes a port, a number from 1 to 65535. Enter an "
                "address such as %(example)s."
            ),
            "api_path": _(
                "%(field)s: enter the path alone, without host and parameters, for example "
                "%(example)s."
            ),
        }
        other = _("%(field)s: this is not a web address. Enter one such as %(example)s.")
        sentence = sentences.get("api_path" if name == "ccp_api_path" else reason, other)
        return sentence % {
            "field": self._ccp_label(name),
            "example": examples.get(name, "https://odoo.example.com"),
        }

    @api.constrains(*PERIOD_FIELDS)
    def _check_ccp_not_negative(self):
        for company in self.sudo():
            if min(company[name] for name in PERIOD_FIELDS) < 0:
                raise ValidationError(
                    self.env._(
                        "A period cannot be negative: enter a number of days, or 0 to keep forever."
                    )
                )

    @api.constrains("ccp_flow_id")
    def _check_ccp_flow(self):
        for company in self.sudo():
            flow = company.ccp_flow_id
            if flow and flow.company_id != company:
                raise ValidationError(
                    self.env._(
                        "Call flow %(flow)s belongs to %(owner)s: choose one of %(company)s.",
                        flow=flow.name,
                        owner=flow.company_id.name,
                        company=company.name,
                    )
                )

    @api.constrains("ccp_calendar_id")
    def _check_ccp_calendar(self):
        self._check_company(["ccp_calendar_id"])

    def _ccp_notify_url(self, token):
        """Return the address to which Airtel posts reports (specification 1.9, notifyURL).

        :param str token: the secret that ends the address
        :rtype: str
        """
        self.ensure_one()
        return f"{self._ccp_notify_base().rstrip('/')}{WEBHOOK_ROUTE}{token}"
