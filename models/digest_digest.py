from odoo import api, fields, models
from odoo.exceptions import AccessError


class DigestDigest(models.Model):
    """The weekly mail about calls: how many, how often one was reached, how long they talked."""

    _inherit = "digest.digest"

    kpi_ccp_calls = fields.Boolean("Calls placed")
    kpi_ccp_calls_value = fields.Integer(compute="_compute_kpi_ccp_calls_value")
    kpi_ccp_connect_rate = fields.Boolean("Connect rate (percent)")
    kpi_ccp_connect_rate_value = fields.Float(compute="_compute_kpi_ccp_connect_rate_value")
    kpi_ccp_talk_time = fields.Boolean("Talk time (hours)")
    kpi_ccp_talk_time_value = fields.Float(compute="_compute_kpi_ccp_talk_time_value")

    @api.model
    def _check_ccp_reader(self):
        """Check that the mail's reader may see calls; a digest leaves out what raises here.

        :raise AccessError: for users without calling rights
        """
        if not self.env.user.has_group("airtel_ccp.group_ccp_user"):
            raise AccessError(self.env._("These figures are for users with the right to call."))

    def _ccp_figures(self, *aggregates):
        """Return figures of the period and companies that are being computed.

        :param str aggregates: as for ``_read_group``
        :rtype: tuple
        """
        self._check_ccp_reader()
        start, end, companies = self._get_kpi_compute_parameters()
        domain = [
            ("company_id", "in", companies.ids),
            ("start_date", ">=", start),
            ("start_date", "<", end),
            ("trial", "=", False),
        ]
        return self.env["ccp.call"]._read_group(domain, [], aggregates)[0]

    def _compute_kpi_ccp_calls_value(self):
        self.kpi_ccp_calls_value = self._ccp_figures("attempts:sum")[0] or 0

    def _compute_kpi_ccp_connect_rate_value(self):
        self.kpi_ccp_connect_rate_value = self._ccp_figures("connect_rate:avg")[0] or 0

    def _compute_kpi_ccp_talk_time_value(self):
        self.kpi_ccp_talk_time_value = (self._ccp_figures("talk_seconds:sum")[0] or 0) / 3600

    def _compute_kpis_actions(self, company, user):
        actions = super()._compute_kpis_actions(company, user)
        menu = self.env.ref("airtel_ccp.ccp_menu_root").id
        for name in ("kpi_ccp_calls", "kpi_ccp_connect_rate", "kpi_ccp_talk_time"):
            actions[name] = f"airtel_ccp.action_ccp_call?menu_id={menu}"
        return actions

    @api.model
    def action_ccp_weekly_mail(self):
        """Switch the weekly mail about calls on for the current user, or off again.

        :return: a notification that says which
        :rtype: dict
        :raise AccessError: when the user is neither team leader nor manager of calls
        """
        user = self.env.user
        if not user.has_group("airtel_ccp.group_ccp_team_leader"):
            raise AccessError(
                self.env._("The weekly mail is for team leaders and managers of calls.")
            )
        digest = self.env.ref("airtel_ccp.digest_ccp_weekly").sudo()
        if digest.state == "activated" and user in digest.user_ids:
            digest.user_ids -= user
            message = self.env._("You do not get the weekly mail about calls any more.")
        else:
            digest.write({"state": "activated", "user_ids": [(4, user.id)]})
            message = self.env._("From now on you get a mail about calls every week.")
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {"type": "success", "message": message},
        }
