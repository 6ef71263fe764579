import logging
from datetime import timedelta
from urllib.parse import urlsplit

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.fields import Domain
from odoo.tools import format_datetime

from ..ccp import const, probe
from .utils import CONTENTION, is_gone, take_turns

_logger = logging.getLogger(__name__)

BUS_MESSAGE = "airtel_ccp.health"
# After an accepted call, Airtel's first report comes within seconds
LATE_AFTER = timedelta(minutes=5)
LATE_PERIOD = timedelta(hours=1)
SILENT_PERIOD = timedelta(days=1)
# So many calls of a hundred without a report are no accident any more
SILENT_SHARE = 20
RECORDING_WAITS = timedelta(hours=1)
RECORDING_LOST = timedelta(days=1)
CRON_LATE = timedelta(minutes=15)
CERTIFICATE_DAYS = 14
CRONS = (
    "ir_cron_fold_reports",
    "ir_cron_fetch_recordings",
    "ir_cron_end_silent_calls",
    "ir_cron_measure_calls",
    "ir_cron_consume_activities",
    "ir_cron_delete_old_data",
    "ir_cron_check_health",
)
# Specification 2 and 4.2: what Airtel says to wrong credentials
CREDENTIAL_CODES = ("HTTP_401", "INCORRECT_CUSTOMER_ID", "CUSTOMER_DETAILS_NOT_AVAILABLE")
KEYS = (
    "base_url",
    "credentials",
    "notify_url",
    "reports",
    "silent_calls",
    "recordings",
    "crons",
    "spool",
    "phones",
)
# Whose turn it is, where it is not the administrator's
TURNS = {
    "closed": "server",
    "timeout": "server",
    "name": "administrator",
    "late": "airtel",
    "silent": "airtel",
    "waiting": "airtel",
    "overdue": "server",
    "failing": "server",
    "spool_closed": "server",
    "spool_full": "server",
}


class CcpHealth(models.Model):
    """How one thing stands on which a company's calls depend: a line of the health list.

    It keeps what was found, not a sentence: each reader gets that in the own language.
    """

    _name = "ccp.health"
    _description = "Health of calling"
    _order = "company_id, sequence, id"
    _rec_name = "key"

    company_id = fields.Many2one("res.company", readonly=True, required=True, ondelete="cascade")
    sequence = fields.Integer(readonly=True)
    key = fields.Selection(
        [
            ("base_url", "Airtel's address"),
            ("credentials", "Credentials"),
            ("notify_url", "Notify URL"),
            ("reports", "Reports"),
            ("silent_calls", "Calls without a report"),
            ("recordings", "Recordings"),
            ("crons", "Scheduled actions"),
            ("spool", "Reports on disk"),
            ("phones", "Phones"),
        ],
        "What",
        readonly=True,
        required=True,
    )
    state = fields.Selection(
        [("ok", "Good"), ("warning", "Look at it"), ("bad", "Bad"), ("unknown", "Not known")],
        readonly=True,
        required=True,
    )
    code = fields.Char(readonly=True)
    details = fields.Json(readonly=True)
    warned = fields.Boolean("Administrators were warned", readonly=True)
    checked_at = fields.Datetime("Checked", readonly=True, required=True)
    changed_at = fields.Datetime("Since", readonly=True, required=True)
    sentence = fields.Text("How it stands", compute="_compute_sentence")
    turn = fields.Selection(
        [
            ("administrator", "Administrator"),
            ("airtel", "Airtel"),
            ("server", "Whoever runs this server"),
        ],
        "Whose turn",
        compute="_compute_turn",
    )

    _company_key_uniq = models.UniqueIndex("(company_id, key)")

    # Looking

    @api.model
    def _cron_check(self):
        """Look at every company that calls, and warn administrators of what turned bad."""
        self._retry_reports()
        lines = self.sudo().search([("company_id", "!=", False)], order="checked_at desc")
        seen = {line.company_id.id: line.checked_at for line in lines}
        calling = Domain("ccp_username", "!=", False) | Domain("ccp_trial", "=", True)
        companies = self.env["res.company"].sudo().search(calling | Domain("id", "in", [*seen]))
        companies = companies.filtered(
            lambda each: each.id in seen or not each._ccp_missing_settings()
        )
        keys = [key for key in KEYS if key != "crons" or not self._has_rested()]
        # Who waits longest comes first, should the time not be enough for all
        waiting = companies.sorted(lambda each: seen.get(each.id) or each.create_date)

        def check_one():
            company = waiting[:1]
            if company:
                self._check(company, keys)
            return len(company), len(waiting - company)

        def go_on(_done):
            nonlocal waiting
            waiting = waiting[1:]

        take_turns(self, check_one, "airtel_ccp.ir_cron_check_health", go_on)

    @api.model
    def _has_rested(self):
        """Return whether the server stood still, so that all scheduled actions are late at once.

        :rtype: bool
        """
        last = self.env.ref("airtel_ccp.ir_cron_check_health").sudo().lastcall
        return bool(last) and last < fields.Datetime.now() - 2 * CRON_LATE

    @api.model
    def _check(self, company, keys=KEYS):
        """Look at how things stand now, keep it, and warn once of what turned bad.

        :param company: one ``res.company``
        :param keys: what to look at, some of ``KEYS``
        :return: the lines of the company
        :rtype: odoo.models.BaseModel
        """
        company = company.sudo()
        found = {}
        for key in keys:
            try:
                with self.env.cr.savepoint():
                    found[key] = getattr(self.sudo(), f"_check_{key}")(company)
            except CONTENTION:
                raise
            except Exception:  # noqa: BLE001 - what cannot be looked at must not hide the rest
                if is_gone(self.env.cr):
                    raise
                _logger.exception("Health of company %s: %s cannot be checked", company.id, key)
                found[key] = ("unknown", "failed", {})
        lines = self.sudo().search([("company_id", "=", company.id)])
        turned_bad = self.browse().sudo()
        for key, (state, code, details) in found.items():
            line = lines.filtered(lambda each: each.key == key)  # noqa: B023
            before = line.state
            now = fields.Datetime.now()
            values = {"state": state, "code": code, "details": details, "checked_at": now}
            if before != state:
                values["changed_at"] = now
            if state == "ok":
                values["warned"] = False
            if line:
                line.write(values)
            else:
                line = self.sudo().create(
                    {"company_id": company.id, "key": key, "sequence": KEYS.index(key), **values}
                )
            # Once, until it is good again: what swings between bad and half bad is known
            if state == "bad" and not line.warned:
                turned_bad |= line
            if key == "reports" and (state == "bad") != (before == "bad"):
                self._tell_callers(company, state == "bad")
        if turned_bad:
            self._warn(company, turned_bad)
            turned_bad.warned = True
        return self.search([("company_id", "=", company.id)])

    @api.model
    def _check_base_url(self, company):
        """Tell whether the address answers; a probe sends no credentials and places no call.

        :return: state, code and details
        :rtype: tuple[str, str, dict]
        """
        url = self.env["ccp.account"]._of(company).base_url
        host = urlsplit(url).hostname or ""
        reason = probe.reach(url) if url else "missing"
        code = reason or "answers"
        if reason and company.ccp_trial:
            code = "no_sandbox"
        return ("bad" if reason else "ok", code, {"host": host, "url": url})

    @api.model
    def _check_credentials(self, company):
        """Tell what the last call told: nothing but a call shows whether they are accepted."""
        if company.ccp_trial:
            return "ok", "trial", {}
        # Airtel's other errors come after it accepted who asks
        telling = Domain("request_outcome", "=", "accepted") | Domain(
            "refusal_code", "in", [*CREDENTIAL_CODES, *const.ERROR_CODES]
        )
        call = company._ccp_last_answer(telling)
        if not call:
            return "unknown", "untried", {}
        details = {"when": fields.Datetime.to_string(call.start_date), "code": call.refusal_code}
        refused = call.refusal_code in CREDENTIAL_CODES
        return ("bad", "refused", details) if refused else ("ok", "accepted", details)

    @api.model
    def _check_notify_url(self, company):
        """Tell whether Airtel can reach us: public, encrypted, with a valid certificate."""
        if company.ccp_trial:
            return "ok", "trial", {}
        url = company._ccp_notify_url("")
        details = {"host": urlsplit(url).hostname or ""}
        if probe.is_private(url):
            return "bad", "private", details
        if urlsplit(url).scheme != "https":
            return "bad", "plain", details
        certificate = self._certificate(url)
        details["days"] = certificate.days_left
        if certificate.reason == "unreachable":
            return "unknown", "unseen", details
        if certificate.reason:
            return "bad", f"certificate_{certificate.reason}", details
        soon = certificate.days_left < CERTIFICATE_DAYS
        return ("warning", "ends_soon", details) if soon else ("ok", "certificate", details)

    @api.model
    def _certificate(self, url):
        return probe.certificate(url)

    @api.model
    def _own_calls(self, company):
        """Return which calls were asked of Airtel, or during a trial of the sandbox.

        :rtype: odoo.fields.Domain
        """
        return (
            Domain("company_id", "=", company.id)
            & Domain("trial", "=", company.ccp_trial)
            & Domain("manual", "=", False)
            & Domain("request_outcome", "=", "accepted")
            # Without an address for them no reports can come: nobody was asked to place such a call
            & Domain("token_digest", "!=", False)
        )

    @api.model
    def _check_reports(self, company):
        """Tell when the last report came, and whether reports of calls are late."""
        if company.ccp_trial:
            return "ok", "trial", {}
        own = self._own_calls(company)
        now = fields.Datetime.now()
        late = self.env["ccp.call"].search(
            own
            & Domain("start_date", ">=", now - LATE_PERIOD)
            & Domain("start_date", "<=", now - LATE_AFTER)
        )
        last = self.env["ccp.call.event"].search(
            Domain("call_id.company_id", "=", company.id)
            & Domain("call_id.trial", "=", company.ccp_trial),
            order="received_at desc",
            limit=1,
        )
        when = fields.Datetime.to_string(last.received_at) if last else False
        if late and not late.event_ids:
            return "bad", "late", {"count": len(late), "when": when}
        known = self.search([("company_id", "=", company.id), ("key", "=", "reports")])
        if known.state == "bad" and not (last and last.received_at >= known.changed_at):
            # That nobody called in the last hour mends nothing
            return "bad", "late", {**(known.details or {}), "when": when}
        if last:
            return "ok", "received", {"when": when}
        return "unknown", "none_yet", {}

    @api.model
    def _check_silent_calls(self, company):
        """Tell how many calls of a day ended without any report."""
        calls = self.env["ccp.call"]
        ended = (
            self._own_calls(company)
            & Domain("state", "=", "ended")
            & Domain("start_date", ">=", fields.Datetime.now() - SILENT_PERIOD)
        )
        total = calls.search_count(ended)
        silent = calls.search_count(ended & Domain("result", "=", "no_report"))
        details = {"count": silent, "total": total}
        if not silent:
            return "ok", "none", details
        return ("bad" if 100 * silent >= SILENT_SHARE * total else "warning"), "silent", details

    @api.model
    def _check_recordings(self, company):
        """Tell how many recordings wait for longer than Airtel takes to deliver them."""
        now = fields.Datetime.now()
        waiting = self.env["ccp.call"].search(
            Domain("company_id", "=", company.id)
            & Domain("trial", "=", company.ccp_trial)
            & Domain("recording_state", "=", "pending")
            & Domain("end_date", "<", now - RECORDING_WAITS)
        )
        details = {"count": len(waiting)}
        if not waiting:
            return "ok", "none", details
        lost = min(waiting.mapped("end_date")) < now - RECORDING_LOST
        return ("bad" if lost else "warning"), "waiting", details

    @api.model
    def _check_crons(self, _company):
        """Tell whether the scheduled actions run, without which reports are not taken in."""
        late = fields.Datetime.now() - CRON_LATE
        for name in CRONS:
            cron = self.env.ref(f"airtel_ccp.{name}", raise_if_not_found=False)
            label = {"name": cron.name if cron else name}
            if not cron or not cron.active:
                return "bad", "switched_off", label
            if cron.nextcall < late and cron.write_date < late:
                return "bad", "overdue", label
            if cron.failure_count:
                return "warning", "failing", label
        return "ok", "running", {}

    @api.model
    def _check_phones(self, company):
        """Tell how many people may call and have no phone."""
        callers = self._callers(company)
        count = len(callers.filtered(lambda user: not user.ccp_phone))
        details = {"count": count, "total": len(callers)}
        return ("warning", "phoneless", details) if count else ("ok", "all", details)

    @api.model
    def _callers(self, company):
        """Return the people of a company who may call.

        :rtype: odoo.models.BaseModel
        """
        group = self.env.ref("airtel_ccp.group_ccp_user").sudo()
        return group.all_user_ids.filtered(
            lambda user: user.active and not user.share and company in user.company_ids
        )

    # Telling

    @api.model
    def _are_reports_late(self, company):
        """Return whether a company's reports were late when that was looked at last.

        :rtype: bool
        """
        domain = [("company_id", "=", company.id), ("key", "=", "reports"), ("state", "=", "bad")]
        return bool(self.sudo().search_count(domain, limit=1))

    @api.model
    def _tell_callers(self, company, late):
        for user in self._callers(company):
            user._bus_send(BUS_MESSAGE, {"reports_late": late, "company_id": company.id})

    @api.model
    def _warn(self, company, lines):
        """Send administrators one message about what turned bad.

        :param company: whose calls are at risk
        :param lines: the lines that turned bad
        """
        group = self.env.ref("base.group_system").sudo()
        for user in group.all_user_ids.filtered(
            lambda user: user.active and not user.share and company in user.company_ids
        ):
            reader = lines.with_context(lang=user.lang, tz=user.tz)
            body = (
                self.env["ir.qweb"]
                .with_context(lang=user.lang)
                ._render("airtel_ccp.health_warning", {"lines": reader, "company": company})
            )
            company.partner_id.message_notify(
                partner_ids=user.partner_id.ids,
                subject=reader.env._("Airtel CCP: calling of %s needs you", company.name),
                body=body,
            )

    def action_check(self):
        """Look at everything of the current company now.

        :return: an action that reads the view again
        :rtype: dict
        :raise AccessError: when the user is no administrator
        """
        self._check_administrator()
        self._check(self.env.company)
        return {"type": "ir.actions.client", "tag": "soft_reload"}

    def _check_administrator(self):
        if not self.env.user.has_group("base.group_system"):
            raise AccessError(self.env._("Only an administrator looks at the health of calling."))

    # Wording

    @api.depends("code", "state")
    def _compute_turn(self):
        for line in self:
            if line.state in ("ok", "unknown"):
                line.turn = False
            else:
                line.turn = TURNS.get(line.code, "administrator")

    @api.depends("key", "code", "details")
    @api.depends_context("lang", "tz")
    def _compute_sentence(self):
        for line in self:
            details = line.details or {}
            values = {**details, "when": line._moment(details.get("when"))}
            template = getattr(line, f"_words_of_{line.key}")().get(line.code)
            line.sentence = template % values if template else line._unchecked()

    def _moment(self, text):
        moment = fields.Datetime.to_datetime(text)
        zone = self.env.context.get("tz") or self.env.user.tz
        return format_datetime(self.env, moment, tz=zone, dt_format="short") if moment else ""

    def _unchecked(self):
        return self.env._("This could not be checked: look into the server's log.")

    def _words_of_base_url(self):
        _ = self.env._
        return {
            "answers": _("%(host)s answers."),
            "missing": _("No base URL is set: enter the one that Airtel gave you."),
            "name": _("Nobody knows the host %(host)s: check the base URL."),
            "closed": _(
                "%(host)s takes no connection: check the base URL and this server's network."
            ),
            "timeout": _(
                "%(host)s does not answer in time: check this server's network and firewall."
            ),
            "tls": _("%(host)s shows no valid certificate: check the base URL."),
            "bad_url": _("The base URL is no web address: enter the one that Airtel gave you."),
            "no_sandbox": _(
                "The sandbox does not answer at %(url)s: start it in the addon's folder with "
                "python3 -m sandbox."
            ),
        }

    def _words_of_credentials(self):
        _ = self.env._
        return {
            "trial": _("Trial: the sandbox has its own."),
            "accepted": _("Airtel accepted them with a call (%(when)s)."),
            "refused": _(
                "Airtel does not accept user name, password or customer id (%(code)s): correct "
                "them."
            ),
            "untried": _(
                "Nothing but a call shows whether Airtel accepts them: place the test call."
            ),
        }

    def _words_of_notify_url(self):
        _ = self.env._
        return {
            "trial": _("Trial: the sandbox reports to this server directly."),
            "certificate": _("%(host)s is public, and its certificate is valid for %(days)s days."),
            "ends_soon": _("The certificate of %(host)s ends in %(days)s days: renew it."),
            "private": _(
                "Airtel cannot reach %(host)s from outside: enter the public address of this Odoo."
            ),
            "plain": _("The address does not begin with https://: Airtel's reports need it."),
            "unseen": _(
                "%(host)s cannot be reached from this server itself, so its certificate could not "
                "be checked."
            ),
            "certificate_expired": _("The certificate of %(host)s has ended: renew it."),
            "certificate_name": _("The certificate is not for %(host)s: get one that is."),
            "certificate_untrusted": _(
                "The certificate of %(host)s is signed by nobody known: get one from a public "
                "authority, with its whole chain."
            ),
            "certificate_tls": _(
                "%(host)s does not speak https: check the web server before Odoo."
            ),
        }

    def _words_of_reports(self):
        _ = self.env._
        return {
            "received": _("The last report came %(when)s."),
            "trial": _("Trial: the sandbox reports by itself."),
            "none_yet": _("No report yet: the first call brings one."),
            "late": _(
                "Calls that brought no report: %(count)s. Ask Airtel whether it allow-listed the "
                "domain of the notify URL."
            ),
        }

    def _words_of_silent_calls(self):
        _ = self.env._
        return {
            "none": _("Each of the last day's %(total)s calls brought reports."),
            "silent": _(
                "%(count)s of the last day's %(total)s calls ended without a report: ask Airtel, "
                "and look at the web server before Odoo."
            ),
        }

    def _words_of_recordings(self):
        _ = self.env._
        return {
            "none": _("No recording is overdue."),
            "waiting": _(
                "%(count)s recordings wait for more than an hour: each call says why. Check the "
                "recording hosts, then ask Airtel."
            ),
        }

    def _words_of_crons(self):
        _ = self.env._
        return {
            "running": _("They run."),
            "switched_off": _("“%(name)s” is switched off: switch it on under Scheduled Actions."),
            "overdue": _(
                "“%(name)s” does not run: whoever runs this server starts Odoo with scheduled "
                "actions (max_cron_threads)."
            ),
            "failing": _("“%(name)s” failed when it ran last: look into the server's log."),
        }

    def _words_of_phones(self):
        _ = self.env._
        return {
            "all": _("Everybody who may call has a phone: %(total)s."),
            "phoneless": _("Without a phone: %(count)s of %(total)s who may call."),
        }
