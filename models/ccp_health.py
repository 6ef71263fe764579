import logging
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.fields import Domain
from odoo.tools import config

from ..ccp.airtel import const
from ..ccp.safe import address, hosts, probe
from . import streams
from .contention import CONTENTION, is_gone, take_turns
from .system_made import SystemMade

_logger = logging.getLogger(__name__)

BUS_MESSAGE = "airtel_ccp.health"
# After an accepted call, Airtel's first report comes within seconds
LATE_AFTER = timedelta(minutes=5)
LATE_PERIOD = timedelta(hours=1)
SILENT_PERIOD = timedelta(days=1)
# From this percentage of calls without a report on, the line is bad, below it a warning
SILENT_SHARE = 20
RECORDING_WAITS = timedelta(hours=1)
RECORDING_LOST = timedelta(days=1)
CRON_LATE = timedelta(minutes=15)
CERTIFICATE_DAYS = 14
CRONS = (
    "ir_cron_fold_reports",
    "ir_cron_notify",
    "ir_cron_fetch_recordings",
    "ir_cron_end_silent_calls",
    "ir_cron_measure_calls",
    "ir_cron_build_route_table",
    "ir_cron_consume_activities",
    "ir_cron_hand_over",
    "ir_cron_delete_old_data",
    "ir_cron_check_health",
)
CREDENTIAL_FIELDS = ("ccp_username", "ccp_password", "ccp_customer_id")
# What is checked, in this order
LINES = {
    "base_url": "Airtel's address",
    "credentials": "Credentials",
    "flow": "Call flow",
    "notify_url": "Notify URL",
    "reports": "Reports",
    "silent_calls": "Calls without a report",
    "bounds": "Too many reports",
    "completeness": "Incoming calls",
    "channels": "Simultaneous calls",
    "recordings": "Recordings",
    "crons": "Scheduled actions",
    "spool": "Reports on disk",
    "phones": "Phones",
    "limits": "Limits",
}
KEYS = tuple(LINES)
# Codes that only a probe of an address finds; they stay valid while the address is the same
PROBED_CODES = (
    "answers",
    "name",
    "closed",
    "timeout",
    "tls",
    "no_sandbox",
    "certificate",
    "ends_soon",
    "unseen",
    "certificate_expired",
    "certificate_name",
    "certificate_untrusted",
    "certificate_tls",
)


class CcpHealth(SystemMade, models.Model):
    """A line of the health list: the state of one thing that a company's calls depend on.

    It stores a code and details; each reader gets the sentence in their own language.
    """

    _name = "ccp.health"
    _description = "Health of calling"
    _order = "company_id, sequence, id"
    _rec_name = "key"

    company_id = fields.Many2one("res.company", readonly=True, required=True, ondelete="cascade")
    sequence = fields.Integer(readonly=True)
    key = fields.Selection([*LINES.items()], "Check", readonly=True, required=True)
    state = fields.Selection(
        [("ok", "Good"), ("warning", "Check this"), ("bad", "Bad"), ("unknown", "Unknown")],
        readonly=True,
        required=True,
    )
    code = fields.Char(readonly=True)
    details = fields.Json(readonly=True)
    warned = fields.Boolean("Administrators were warned", readonly=True)
    checked_at = fields.Datetime("Checked", readonly=True, required=True)
    changed_at = fields.Datetime("Since", readonly=True, required=True)
    sentence = fields.Text("Description", compute="_compute_sentence")
    turn = fields.Selection(
        [
            ("administrator", "Administrator"),
            ("airtel", "Airtel"),
            ("server", "Server administrator"),
        ],
        "Next step by",
        compute="_compute_turn",
    )

    _company_key_uniq = models.UniqueIndex("(company_id, key)")

    # Checking

    @api.model
    def _cron_check(self):
        """Check every company that places calls; warn administrators of lines that turned bad."""
        self._retry_reports()
        lines = self.sudo().search([("company_id", "!=", False)], order="checked_at desc")
        seen = {line.company_id.id: line.checked_at for line in lines}
        calling = Domain("ccp_username", "!=", False) | Domain("ccp_trial", "=", True)
        companies = self.env["res.company"].sudo().search(calling | Domain("id", "in", [*seen]))
        companies = companies.filtered(
            lambda each: each.id in seen or not each._ccp_missing_settings()
        )
        keys = [key for key in KEYS if key != "crons" or not self._has_rested()]
        # The company with the oldest check first, in case the time does not suffice for all
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
        """Return whether the server was down, so all scheduled actions are late at once.

        :rtype: bool
        """
        last = self.env.ref("airtel_ccp.ir_cron_check_health").sudo().lastcall
        return bool(last) and last < fields.Datetime.now() - 2 * CRON_LATE

    @api.model
    def _check(self, company, keys=KEYS):
        """Check a company now, save its lines, and warn once about lines that turned bad.

        :param company: one ``res.company``
        :param keys: what to check, some of ``KEYS``
        :return: the lines of the company
        :rtype: odoo.models.BaseModel
        """
        company = company.sudo()
        company._ccp_keep_notify_base()
        turned_bad = self.browse().sudo()
        for key in keys:
            line = self._keep(company, key, *self._find(company, key))
            # One warning until it is good again, however often it changes between bad and warning
            if line.state == "bad" and not line.warned:
                turned_bad |= line
        if turned_bad:
            self._warn(company, turned_bad)
            turned_bad.warned = True
        return self.search([("company_id", "=", company.id)])

    @api.model
    def _find(self, company, key, **options):
        """Return the state of one thing; if its check fails, the others still run.

        :return: state, code and details
        :rtype: tuple[str, str, dict]
        """
        try:
            with self.env.cr.savepoint():
                return getattr(self.sudo(), f"_check_{key}")(company, **options)
        except CONTENTION:
            raise
        except Exception:  # noqa: BLE001 - see above
            if is_gone(self.env.cr):
                raise
            _logger.exception("Health of company %s: %s cannot be checked", company.id, key)
            return "unknown", "failed", {}

    @api.model
    def _keep(self, company, key, state, code, details):
        """Save the state of one thing; notify panels when reports become late or on time again.

        :return: the line, as superuser
        :rtype: odoo.models.BaseModel
        """
        line = self._line(company, key)
        before = line.state
        now = fields.Datetime.now()
        values = {"state": state, "code": code, "details": details, "checked_at": now}
        values["sequence"] = KEYS.index(key)
        if before != state:
            values["changed_at"] = now
        if state == "ok":
            values["warned"] = False
        if line:
            line.write(values)
        else:
            line = line.create({"company_id": company.id, "key": key, **values})
        if key == "reports" and (state == "bad") != (before == "bad"):
            self._tell_callers(company, state == "bad")
        return line

    @api.model
    def _line(self, company, key):
        """Return the stored line of one thing, as superuser; empty before its first check."""
        return self.sudo().search([("company_id", "=", company.id), ("key", "=", key)])

    @api.model
    def _standing(self, company, key):
        """Return the state of one thing with the current settings, without probing addresses.

        The last probe of the current address is used until a call shows something newer.

        :param company: one ``res.company``
        :param str key: one of ``KEYS``
        :return: a line that is not stored
        :rtype: odoo.models.BaseModel
        """
        state, code, details = self._find_known(company.sudo(), key)
        return self.new(
            {"company_id": company.id, "key": key, "state": state, "code": code, "details": details}
        )

    @api.model
    def _find_known(self, company, key):
        """Return the state of one thing without probing addresses; see ``_find``."""
        known = self._line(company, key)
        options = {"known": known} if key in ("base_url", "notify_url") else {}
        return self._find(company, key, **options)

    @api.model
    def _correct(self, company):
        """Correct the stored lines of a company if calls or settings have changed since.

        The set-up shows the current state, and the list must agree with it.

        :param company: one ``res.company``
        """
        company = company.sudo()
        kept = {line.key: line for line in self.sudo().search([("company_id", "=", company.id)])}
        # In this order, because one line may be the cause of another
        for key in [key for key in KEYS if key in kept and key != "crons"]:
            line = kept[key]
            found = self._find_known(company, key)
            if found != (line.state, line.code, line.details or {}):
                self._keep(company, key, *found)

    @api.model
    def _probed(self, known, url, newer_than=None):
        """Return the result of the last probe of an address, if it is still valid.

        :param known: the stored line, or an empty one
        :param str url: the current address
        :param datetime.datetime | None newer_than: when a call last proved something
        :return: state, code and details, or None
        :rtype: tuple[str, str, dict] | None
        """
        if known.code not in PROBED_CODES or (known.details or {}).get("url") != url:
            return None
        if newer_than and known.checked_at < newer_than:
            return None
        return known.state, known.code, known.details

    @api.model
    def _refused(self, call):
        """Return state, code and details after Airtel refused a call.

        :param call: one ``ccp.call``
        :rtype: tuple[str, str, dict]
        """
        return (
            "bad",
            "refused",
            {
                "when": fields.Datetime.to_string(call.start_date),
                "code": call.refusal_code,
                "about": call._about(),
                "flow": call.flow_id.name,
                "caller": call.caller_number,
            },
        )

    @api.model
    def _check_base_url(self, company, known=None):
        """Check whether the address answers; a probe sends no credentials and places no call.

        :param known: the stored line; if given, the address is not probed
        :return: state, code and details
        :rtype: tuple[str, str, dict]
        """
        url = company._ccp_account().base_url
        problem = company._ccp_address_problem()
        details = {"url": url}
        if problem:
            return "bad", problem, details
        found = address.read(url)
        details["host"] = found.host
        call = self.env["ccp.call"] if company.ccp_trial else company._ccp_last_answer()
        about = call._about() if call.request_outcome == "refused" else ""
        if about == "address":
            return self._refused(call)
        if known is None:
            reason = probe.reach(url)
            code = reason or "answers"
            if reason and company.ccp_trial:
                code = "no_sandbox"
            return ("bad" if reason else "ok"), code, details
        probed = self._probed(known, url, call.create_date)
        if probed:
            return probed
        if about == "connection":
            return self._refused(call)
        if call:
            return "ok", "answers", details
        if found.reach != address.PUBLIC and not company.ccp_trial:
            return "bad", "private", details
        return "unknown", "unchecked", details

    @api.model
    def _check_credentials(self, company):
        """Check whether Airtel accepted the credentials with a call, which is the only proof."""
        if company.ccp_trial:
            return "ok", "trial", {}
        missing = [name for name in company._ccp_missing() if name in CREDENTIAL_FIELDS]
        if missing:
            return "bad", "missing", {"fields": missing}
        call = company._ccp_last_answer(lambda about: not about or about.credentials is not None)
        if not call:
            return "unknown", "untried", {}
        if call.request_outcome == "refused" and not const.ABOUT[call._about()].credentials:
            return self._refused(call)
        return "ok", "accepted", {"when": fields.Datetime.to_string(call.start_date)}

    @api.model
    def _check_flow(self, company):
        """Check whether there is a call flow, and whether Airtel accepted it last time."""
        if company.ccp_trial:
            return "ok", "trial", {}
        flow = company._ccp_default_flow()
        if not flow:
            chosen = company.ccp_flow_id
            return "bad", ("archived" if chosen else "none"), {"flow": chosen.name}
        details = {"flow": flow.name, "caller": flow.caller_number}
        call = company._ccp_last_answer()
        tried = call.flow_id == flow and call.create_date >= flow.write_date
        if tried and call.request_outcome == "refused":
            if const.ABOUT[call._about()].step == "flow":
                return self._refused(call)
        return "ok", "set", details

    @api.model
    def _check_notify_url(self, company, known=None):
        """Check whether Airtel can reach Odoo: public, encrypted, with a valid certificate.

        :param known: the stored line; if given, the certificate is not probed
        :return: state, code and details
        :rtype: tuple[str, str, dict]
        """
        url = company._ccp_notify_base()
        problem = company._ccp_notify_problem()
        details = {"url": url}
        if problem == "bad_url":
            return "bad", "bad_url", details
        details["host"] = address.read(url).host
        if company._ccp_cannot_be_reported_to():
            return "bad", "private", details
        if company.ccp_trial:
            return "ok", "trial", {}
        if problem:
            # A report proves that the address leads to this server, however unusual it looks
            if company._ccp_last_report():
                return "ok", "proven", details
            return "bad", ("plain" if problem == "plain" else "private"), details
        if known is not None:
            return self._probed(known, url) or ("unknown", "unchecked", details)
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
    def _is_unreachable(self, company):
        """Return whether Airtel cannot reach Odoo, which explains calls without reports.

        :rtype: bool
        """
        known = self._line(company, "notify_url")
        return self._check_notify_url(company, known)[0] == "bad"

    @api.model
    def _check_reports(self, company):
        """Check when the last report came, and whether reports of calls are late.

        Only reports that came to the current address prove anything.
        """
        if company.ccp_trial:
            return "ok", "trial", {}
        now = fields.Datetime.now()
        late = company._ccp_calls(
            company._ccp_asked_for()
            & Domain("start_date", ">=", now - LATE_PERIOD)
            & Domain("start_date", "<=", now - LATE_AFTER)
        )
        last = company._ccp_last_report()
        when = fields.Datetime.to_string(last) if last else False
        code = "late_unreachable" if self._is_unreachable(company) else "late"
        if late and not late._have_reports():
            return "bad", code, {"count": len(late), "when": when}
        known = self._line(company, "reports")
        if known.state == "bad" and not (last and last >= known.changed_at):
            # Without calls in the last hour nothing has proved that it works again
            return "bad", code, {**(known.details or {}), "when": when}
        if last:
            return "ok", "received", {"when": when}
        return "unknown", "none_yet", {}

    @api.model
    def _check_silent_calls(self, company):
        """Count the calls of the last day that ended without any report."""
        ended = (
            company._ccp_asked_for()
            & Domain("state", "=", "ended")
            & Domain("start_date", ">=", fields.Datetime.now() - SILENT_PERIOD)
        )
        total = company._ccp_count_calls(ended)
        silent = company._ccp_count_calls(ended & Domain("result", "=", "no_report"))
        details = {"count": silent, "total": total}
        if not silent:
            return "ok", "none", details
        code = "silent_late" if self._line(company, "reports").state == "bad" else "silent"
        if self._is_unreachable(company):
            code = "silent_unreachable"
        return ("bad" if 100 * silent >= SILENT_SHARE * total else "warning"), code, details

    @api.model
    def _check_recordings(self, company):
        """Check how many recordings are overdue, and which hosts would send the others."""
        now = fields.Datetime.now()
        waiting = company._ccp_calls(
            Domain("trial", "=", company.ccp_trial)
            & Domain("recording_state", "=", "pending")
            & Domain("end_date", "<", now - RECORDING_WAITS)
        )
        details = {"count": len(waiting)}
        lost = waiting and min(waiting.mapped("end_date")) < now - RECORDING_LOST
        listed = "" if company.ccp_trial else company.ccp_recording_hosts
        if unreadable := hosts.HostList(listed).unreadable:
            return ("bad" if lost else "warning"), "hosts", {"entry": unreadable[0][:100]}
        if waiting:
            return ("bad" if lost else "warning"), "waiting", details
        if config["workers"] and not config["x_sendfile"]:
            return "warning", "workers_send", {"count": streams.most_at_once()}
        return "ok", "none", details

    @api.model
    def _check_crons(self, _company):
        """Check whether the scheduled actions run: without them no report is processed."""
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

    # Notifying

    @api.model
    def _tell_callers(self, company, late):
        for user in company._ccp_callers():
            user._bus_send(BUS_MESSAGE, {"reports_late": late, "company_id": company.id})

    @api.model
    def _warn(self, company, lines):
        """Send administrators one message about lines that turned bad.

        :param company: the ``res.company`` whose calls are at risk
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
                subject=reader.env._(
                    "Airtel CCP: the calls of %s need your attention", company.name
                ),
                body=body,
            )

    def action_check(self):
        """Check everything of the current company now.

        :return: an action that reloads the view
        :rtype: dict
        :raise AccessError: when the user is not an administrator
        """
        self._check_administrator()
        self._check(self.env.company)
        return {"type": "ir.actions.client", "tag": "soft_reload"}

    def _check_administrator(self):
        if not self.env.user.has_group("base.group_system"):
            raise AccessError(self.env._("Only an administrator may see the health of calling."))
