from datetime import datetime, timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.tools import formatLang

from .ccp_dashboard import DAYS, ENOUGH
from .utils import notice, time_zone

KPIS = ("kpi_ccp_calls", "kpi_ccp_connect_rate", "kpi_ccp_talk_time")
# In days that end with today; Odoo's longer periods are a week and a month
WEEK = 7
ONE_DAY = timedelta(days=1)


class DigestDigest(models.Model):
    """The weekly mail about calls: how many, how often a customer was reached, and talk time."""

    _inherit = "digest.digest"

    kpi_ccp_calls = fields.Boolean("Attempts")
    kpi_ccp_calls_value = fields.Integer(compute="_compute_kpi_ccp_calls_value")
    kpi_ccp_connect_rate = fields.Boolean("Connect rate")
    kpi_ccp_connect_rate_value = fields.Float(compute="_compute_kpi_ccp_connect_rate_value")
    kpi_ccp_talk_time = fields.Boolean("Talk time")
    kpi_ccp_talk_time_value = fields.Float(
        compute="_compute_kpi_ccp_talk_time_value", help="In hours."
    )

    @api.model
    def _check_ccp_reader(self):
        """Check that the mail's reader may see calls; Odoo leaves out figures that raise this.

        :raise AccessError: for users without calling rights
        """
        if not self.env.user.has_group("airtel_ccp.group_ccp_user"):
            raise AccessError(self.env._("These figures are for users with the right to call."))

    @api.model
    def _ccp_period(self):
        """Return the domain of the calls of the period that the mail is about.

        A week and a month are whole days of the reader's time zone and end with today, as on the
        dashboard and in the filter of calls; the previous period ends on the day before.

        :rtype: list
        """
        start, end, _companies = self._get_kpi_compute_parameters()
        begin, until = fields.Datetime.to_datetime(start), fields.Datetime.to_datetime(end)
        length = until - begin
        if length <= ONE_DAY:
            return [("start_date", ">=", start), ("start_date", "<", end)]
        zone = time_zone(self.env.user.tz)
        days = WEEK if length.days <= WEEK else DAYS
        last = datetime.now(zone).date()
        if fields.Datetime.now() - until > ONE_DAY:
            last -= timedelta(days=days)
        return self.env["ccp.dashboard"]._period(last - timedelta(days=days - 1), last, zone)

    def _ccp_figures(self, *aggregates):
        """Return figures of the period and the companies that the mail is about.

        :param str aggregates: as for ``_read_group``
        :rtype: tuple
        """
        self._check_ccp_reader()
        companies = self._get_kpi_compute_parameters()[2]
        domain = [("company_id", "in", companies.ids), *self._ccp_period()]
        return self.env["ccp.call.daily"]._read_group(domain, [], aggregates)[0]

    def _compute_kpi_ccp_calls_value(self):
        self.kpi_ccp_calls_value = self._ccp_figures("attempts:sum")[0] or 0

    def _compute_kpi_ccp_connect_rate_value(self):
        self.kpi_ccp_connect_rate_value = self._ccp_figures("connect_rate:avg")[0] or 0

    def _compute_kpi_ccp_talk_time_value(self):
        self.kpi_ccp_talk_time_value = (self._ccp_figures("talk_seconds:sum")[0] or 0) / 3600

    def _compute_kpis(self, company, user):
        """Show rates and durations as people write them, and no trend from next to nothing."""
        kpis = super()._compute_kpis(company, user)
        own = [kpi for kpi in kpis if kpi["kpi_name"] in KPIS]
        for column, (_name, periods) in enumerate(
            self._compute_timeframes(company) if own else (), 1
        ):
            now, before = (
                self.with_context(start_datetime=start, end_datetime=end)
                .with_user(user)
                .with_company(company)
                ._ccp_figures("attempts:sum", "connect_rate:avg", "talk_seconds:sum")
                for start, end in periods
            )
            for kpi in own:
                values = kpi[f"kpi_col{column}"]
                values["value"] = self._ccp_words(kpi["kpi_name"], *now)
                if (before[0] or 0) < ENOUGH:
                    values["margin"] = 0
        return kpis

    @api.model
    def _ccp_words(self, name, attempts, rate, seconds):
        """Return a figure as text for the mail.

        :param str name: one of ``KPIS``
        :param int | None attempts: the attempts of a period
        :param float | None rate: the percentage that reached somebody, None if no attempt has ended
        :param int | None seconds: how long agents talked
        :rtype: str
        """
        if name == "kpi_ccp_calls":
            return str(attempts or 0)
        if name == "kpi_ccp_connect_rate":
            # Odoo has False for NULL
            return (
                "–"
                if rate is None or rate is False
                else f"{formatLang(self.env, rate, digits=1)} %"
            )
        hours, minutes = divmod(round((seconds or 0) / 60), 60)
        if hours:
            return self.env._("%(hours)s h %(minutes)s min", hours=hours, minutes=f"{minutes:02d}")
        return self.env._("%s min", minutes)

    def _compute_kpis_actions(self, company, user):
        actions = super()._compute_kpis_actions(company, user)
        menu = self.env.ref("airtel_ccp.ccp_menu_root").id
        for name in ("kpi_ccp_calls", "kpi_ccp_connect_rate", "kpi_ccp_talk_time"):
            actions[name] = f"airtel_ccp.action_ccp_call?menu_id={menu}"
        return actions

    @api.model
    def action_ccp_weekly_mail(self):
        """Switch the current user's weekly mail about calls on or off.

        :return: a notification of the new state
        :rtype: dict
        :raise AccessError: when the user is not a team leader or manager of calls
        """
        user = self.env.user
        if not user.has_group("airtel_ccp.group_ccp_team_leader"):
            raise AccessError(
                self.env._("The weekly mail is for team leaders and managers of calls.")
            )
        digest = self.env.ref("airtel_ccp.digest_ccp_weekly").sudo()
        if digest.state == "activated" and user in digest.user_ids:
            digest.user_ids -= user
            message = self.env._("You no longer get the weekly mail about calls.")
        else:
            digest.write({"state": "activated", "user_ids": [(4, user.id)]})
            message = self.env._("From now on you get a mail about calls every week.")
        return notice(message, "success")
