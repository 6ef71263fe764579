from datetime import timedelta

from odoo import api, fields, models

from .res_company_limits import USUAL_LIMITS

# How long the list shows who changed phones
CHANGES_PERIOD = timedelta(days=7)
# How many names a sentence lists
MAX_NAMES = 5


class CcpHealth(models.Model):
    """Checks the phones of a company's agents, and the limits that stop a script."""

    _inherit = "ccp.health"

    @api.model
    def _check_phones(self, company):
        """Check that each user who may call has a phone of their own that may be rung.

        :return: state, code and details
        :rtype: tuple[str, str, dict]
        """
        callers = company._ccp_callers()
        details = {"total": len(callers), "changed": self._changed_own_phones(callers)}
        if not callers:
            return "warning", "nobody", details
        if shared := callers._ccp_sharing():
            return "warning", "shared", {**details, "names": self._names(shared)}
        listed = callers._ccp_blacklisted(
            {phone for user in callers for phone in user._ccp_own_numbers()}
        )
        unwanted = callers.filtered(lambda user: listed.intersection(user._ccp_own_numbers()))
        if unwanted:
            return "warning", "unwanted", {**details, "names": self._names(unwanted)}
        details["count"] = len(callers.filtered(lambda user: not user.ccp_phone))
        if details["count"]:
            return "warning", "phoneless", details
        return "ok", "all", details

    @api.model
    def _changed_own_phones(self, users):
        """Return how many users changed their own phones lately.

        :rtype: int
        """
        since = fields.Datetime.now() - CHANGES_PERIOD
        return len(
            users.filtered(
                lambda user: (
                    user.ccp_phones_by_id == user
                    and user.ccp_phones_date
                    and user.ccp_phones_date >= since
                )
            )
        )

    @api.model
    def _names(self, users):
        """Return the first names of a list, at most ``MAX_NAMES``.

        :rtype: list[str]
        """
        return users.sorted("name")[:MAX_NAMES].mapped("name")

    @api.model
    def _check_limits(self, company):
        """Check that a script, or an account that somebody took over, cannot call without a limit.

        Companies from versions without this check may have no limits, and keep that until somebody
        decides otherwise.

        :return: state, code and details
        :rtype: tuple[str, str, dict]
        """
        if company.ccp_trial:
            return "ok", "trial", {}
        missing = company._ccp_unlimited()
        if missing:
            return "warning", "missing", {**USUAL_LIMITS, "fields": missing}
        return "ok", "set", {name: company[name] for name in USUAL_LIMITS}

    def _words_of_phones(self):
        _ = self.env._
        changed = ""
        if (self.details or {}).get("changed"):
            changed = " " + _(
                "Agents who changed their own phones in the last 7 days: %(changed)s, see “People "
                "and phones”."
            )
        sentences = {
            "all": _("Everybody who may call has a phone: %(total)s."),
            "nobody": _(
                "Nobody has the right to call yet: choose who may call, and enter their phones."
            ),
            "phoneless": _("Without a phone: %(count)s of %(total)s who may call."),
            "shared": _(
                "These users have a phone that another user has too: %(names)s. Keep each phone "
                "for one user, under “People and phones”."
            ),
            "unwanted": _(
                "These users cannot call, because a phone of theirs is on the phone blacklist: "
                "%(names)s. Enter another one, or remove it from there if its owner agrees."
            ),
        }
        return {code: sentence + changed for code, sentence in sentences.items()}

    def _words_of_limits(self):
        _ = self.env._
        return {
            "trial": _("Trial: the sandbox needs none."),
            "set": _(
                "Calls a day for each user: %(ccp_daily_limit)s, to one number: "
                "%(ccp_number_daily_limit)s. Seconds between calls: %(ccp_pause_seconds)s."
            ),
            "missing": _(
                "Without a limit: %(fields)s. Set one in Settings > Airtel CCP: we suggest "
                "%(ccp_daily_limit)s calls a day for each user, %(ccp_number_daily_limit)s to one "
                "number and %(ccp_pause_seconds)s seconds between calls."
            ),
        }
