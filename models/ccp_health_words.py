from odoo import api, fields, models
from odoo.tools import format_datetime, format_list

from ..ccp.airtel import const
from . import refusals

# Who must take the next step, by code. By default it is the administrator; nobody if another line
# shows the cause
TURNS = {
    "closed": "server",
    "timeout": "server",
    "name": "administrator",
    "late": "airtel",
    "late_unreachable": False,
    "silent": "airtel",
    "silent_late": False,
    "silent_unreachable": False,
    "waiting": "airtel",
    "overdue": "server",
    "failing": "server",
    "spool_closed": "server",
    "workers_send": "server",
    "spool_full": "server",
    "without_report": "airtel",
    "without_record": "airtel",
    "refused_requests": "airtel",
    "table_old": "server",
    "all_channels": "airtel",
}


def turn_of_refusal(about):
    """Return who must take the next step after Airtel refused a call.

    :param str about: a key of ``ccp.airtel.const.ABOUT``
    :return: ``airtel``, ``server`` or ``administrator``
    :rtype: str
    """
    turn = const.ABOUT[about].turn
    # Steps of a rep in a call are the administrator's in the set-up's test call
    return turn if turn in ("airtel", "server") else "administrator"


class CcpHealth(models.Model):
    """The sentence of a line of the health list, in each reader's language."""

    _inherit = "ccp.health"

    @api.depends("code", "state", "details")
    def _compute_turn(self):
        for line in self:
            if line.state in ("ok", "unknown"):
                line.turn = False
            elif line.code == "refused":
                line.turn = turn_of_refusal(line._about())
            else:
                line.turn = TURNS.get(line.code, "administrator")

    @api.depends("key", "code", "details")
    @api.depends_context("lang", "tz")
    def _compute_sentence(self):
        for line in self:
            details = line.details or {}
            if line.code == "refused":
                line.sentence = refusals.sentence(
                    self.env,
                    line._about(),
                    details["code"],
                    details.get("flow"),
                    details.get("caller"),
                )
                continue
            values = {**details, "when": line._moment(details.get("when"))}
            if "fields" in details:
                labels = map(line.company_id._ccp_label, details["fields"])
                values["fields"] = ", ".join(labels)
            if "names" in details:
                values["names"] = format_list(self.env, details["names"])
            template = getattr(line, f"_words_of_{line.key}")().get(line.code)
            line.sentence = template % values if template else line._unchecked()

    def _about(self):
        """Return what a line's refusal is about; lines from earlier versions have only its code.

        :return: a key of ``ccp.airtel.const.ABOUT``
        :rtype: str
        """
        details = self.details or {}
        return details.get("about") or const.about(details.get("code") or "")

    def _moment(self, text):
        moment = fields.Datetime.to_datetime(text)
        zone = self.env.context.get("tz") or self.env.user.tz
        return format_datetime(self.env, moment, tz=zone, dt_format="short") if moment else ""

    def _unchecked(self):
        return self.env._("This could not be checked: look in the server's log.")

    def _words_of_base_url(self):
        _ = self.env._
        return {
            "answers": _("%(host)s answers."),
            "missing": _("No base URL or API path is set: enter what Airtel gave you."),
            "plain": _("The base URL does not begin with https://: the password needs that."),
            "private": _(
                "The base URL leads into a private network, and Airtel is not there: enter the "
                "one that Airtel gave you."
            ),
            "unchecked": _("%(host)s has not been checked yet: choose “Check now”."),
            "name": _("The host %(host)s was not found: check the base URL."),
            "closed": _(
                "%(host)s refuses the connection: check the base URL and this server's network."
            ),
            "timeout": _(
                "%(host)s does not answer in time: check this server's network and firewall."
            ),
            "tls": _("%(host)s has no valid certificate: check the base URL."),
            "bad_url": _("The base URL is not a web address: enter the one that Airtel gave you."),
            "no_sandbox": _(
                "The sandbox does not answer at %(url)s: start it on this server with the command "
                "that the set-up page shows."
            ),
        }

    def _words_of_credentials(self):
        _ = self.env._
        return {
            "trial": _("Trial: the sandbox has its own."),
            "accepted": _("Airtel accepted them with a call (%(when)s)."),
            "missing": _(
                "Still missing: %(fields)s. Enter them, or import the Postman file that Airtel "
                "sent you."
            ),
            "untried": _("Only a call shows whether Airtel accepts them: place the test call."),
        }

    def _words_of_flow(self):
        _ = self.env._
        return {
            "trial": _("Trial: the sandbox brings its own call flow and caller number."),
            "none": _("Enter the call flow id and the caller number that Airtel gave you."),
            "archived": _("Call flow %(flow)s is archived: choose another one, or restore it."),
            "set": _("Calls run “%(flow)s”, and both phones show %(caller)s."),
        }

    def _words_of_notify_url(self):
        _ = self.env._
        return {
            "proven": _("Reports arrive at %(host)s."),
            "unchecked": _("The certificate of %(host)s has not been checked yet."),
            "bad_url": _(
                "The public address of this Odoo is not a web address: enter one such as "
                "https://odoo.example.com."
            ),
            "trial": _("Trial: the sandbox reports to this server directly."),
            "certificate": _("%(host)s is public, and its certificate is valid for %(days)s days."),
            "ends_soon": _("The certificate of %(host)s expires in %(days)s days: renew it."),
            "private": _(
                "Airtel cannot reach %(host)s from outside: enter the public address of this Odoo."
            ),
            "plain": _("The address does not begin with https://: Airtel's reports need it."),
            "unseen": _(
                "%(host)s cannot be reached from this server itself, so its certificate could not "
                "be checked."
            ),
            "certificate_expired": _("The certificate of %(host)s has expired: renew it."),
            "certificate_name": _("The certificate is not for %(host)s: get one that is."),
            "certificate_untrusted": _(
                "The certificate of %(host)s is not signed by a known authority: get one from a "
                "public authority, with its full chain."
            ),
            "certificate_tls": _(
                "%(host)s does not answer over https: check the web server in front of Odoo."
            ),
        }

    def _words_of_reports(self):
        _ = self.env._
        return {
            "received": _("The last report came %(when)s."),
            "trial": _("Trial: the sandbox reports by itself."),
            "none_yet": _("No report yet: the first call brings one."),
            "late_unreachable": _(
                "Calls without a report: %(count)s. No report can arrive until the notify URL is "
                "corrected."
            ),
            "late": _(
                "Calls without a report: %(count)s. Ask Airtel whether it allow-listed the domain "
                "of the notify URL."
            ),
        }

    def _words_of_silent_calls(self):
        _ = self.env._
        return {
            "none": _("Each of the last day's %(total)s calls has reports."),
            "silent_unreachable": _(
                "%(count)s of the last day's %(total)s calls ended without a report. No report can "
                "arrive until the notify URL is corrected."
            ),
            "silent_late": _(
                "%(count)s of the last day's %(total)s calls ended without a report: see “Reports”."
            ),
            "silent": _(
                "%(count)s of the last day's %(total)s calls ended without a report: ask Airtel, "
                "and check the web server in front of Odoo."
            ),
        }

    def _words_of_recordings(self):
        _ = self.env._
        return {
            "none": _("No recording is overdue."),
            "hosts": _(
                "“%(entry)s” among the recording hosts is not a host, and is ignored: correct it "
                "in Settings > Airtel CCP."
            ),
            "waiting": _(
                "%(count)s recordings have been waiting for more than an hour: each call says why. "
                "Check the recording hosts, then ask Airtel."
            ),
            "workers_send": _(
                "Odoo's workers send recordings themselves, so only %(count)s can be played at the "
                "same time. Your server administrator can have nginx send them (x_sendfile)."
            ),
        }

    def _words_of_crons(self):
        _ = self.env._
        return {
            "running": _("All of them run."),
            "switched_off": _("“%(name)s” is switched off: switch it on under Scheduled Actions."),
            "overdue": _(
                "“%(name)s” does not run: ask your server administrator to start Odoo with "
                "scheduled actions (max_cron_threads)."
            ),
            "failing": _("“%(name)s” failed in its last run: check the server's log."),
        }
