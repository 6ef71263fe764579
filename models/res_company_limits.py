from odoo import api, fields, models
from odoo.exceptions import ValidationError

# The limits of new companies: a busy rep never reaches them, a script does soon
USUAL_LIMITS = {"ccp_daily_limit": 300, "ccp_number_daily_limit": 5, "ccp_pause_seconds": 3}
MAX_PAUSE = 3600


class ResCompany(models.Model):
    """How often a company calls: limits per day, and a pause between an agent's calls."""

    _inherit = "res.company"

    ccp_daily_limit = fields.Integer(
        "Calls a day for each user",
        default=USUAL_LIMITS["ccp_daily_limit"],
        help="How many calls one user may place in a day. Zero means no limit.",
        groups="base.group_system",
    )
    ccp_company_daily_limit = fields.Integer(
        "Calls a day for the company",
        help="How many calls all users together may place in a day. Zero means no limit.",
        groups="base.group_system",
    )
    ccp_number_daily_limit = fields.Integer(
        "Calls a day to one number",
        default=USUAL_LIMITS["ccp_number_daily_limit"],
        help="How often all users together may call one number in a day; calls logged by hand "
        "count too. Zero means no limit.",
        groups="base.group_system",
    )
    ccp_pause_seconds = fields.Integer(
        "Pause between calls (seconds)",
        default=USUAL_LIMITS["ccp_pause_seconds"],
        help="For how many seconds after placing a call a user cannot place the next one, also if "
        "the first failed. It stops scripts, and people hardly notice it. Zero means no pause.",
        groups="base.group_system",
    )
    ccp_reserve_phones = fields.Boolean(
        "Only administrators change agents' phones",
        help="Agents see their own phones under My Preferences, and cannot change them.",
        groups="base.group_system",
    )

    @api.constrains(
        "ccp_daily_limit",
        "ccp_company_daily_limit",
        "ccp_number_daily_limit",
        "ccp_pause_seconds",
    )
    def _check_ccp_limits(self):
        for company in self.sudo():
            limits = (
                company.ccp_daily_limit,
                company.ccp_company_daily_limit,
                company.ccp_number_daily_limit,
            )
            if min(limits) < 0:
                raise ValidationError(
                    self.env._(
                        "A limit cannot be negative: enter a number of calls, or 0 for no limit."
                    )
                )
            if not 0 <= company.ccp_pause_seconds <= MAX_PAUSE:
                raise ValidationError(
                    self.env._("A pause lasts between 0 and %s seconds: correct it.", MAX_PAUSE)
                )

    def _ccp_unlimited(self):
        """Return which of the usual limits the company does not have, by field name.

        :rtype: list[str]
        """
        self.ensure_one()
        company = self.sudo()
        return [name for name in USUAL_LIMITS if not company[name]]
