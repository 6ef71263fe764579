from odoo import fields, models

KPI = "kpi_ccp_callbacks"


class DigestDigest(models.Model):
    """The weekly mail also counts how many of the missed customers were called back."""

    _inherit = "digest.digest"

    kpi_ccp_callbacks = fields.Boolean("Called back")
    kpi_ccp_callbacks_value = fields.Integer(compute="_compute_kpi_ccp_callbacks_value")

    def _ccp_callback_counts(self):
        """Return how many call-backs the period opened in the companies, and how many were made.

        :return: how many were opened, and how many of these were made
        :rtype: tuple[int, int]
        """
        self._check_ccp_reader()
        companies = self._get_kpi_compute_parameters()[2]
        period = [("opened_date", operator, value) for _name, operator, value in self._ccp_period()]
        own = [("company_id", "in", companies.ids), ("trial", "=", False), *period]
        counts = dict(self.env["ccp.callback"]._read_group(own, ["state"], ["__count"]))
        return sum(counts.values()), counts.get("done", 0)

    def _compute_kpi_ccp_callbacks_value(self):
        self.kpi_ccp_callbacks_value = self._ccp_callback_counts()[1]

    def _compute_kpis(self, company, user):
        """Show how many call-backs were owed beside how many were made."""
        kpis = super()._compute_kpis(company, user)
        own = [kpi for kpi in kpis if kpi["kpi_name"] == KPI]
        timeframes = self._compute_timeframes(company) if own else ()
        for column, (_name, ((start, end), _before)) in enumerate(timeframes, 1):
            owed, made = (
                self.with_context(start_datetime=start, end_datetime=end)
                .with_user(user)
                .with_company(company)
                ._ccp_callback_counts()
            )
            for kpi in own:
                kpi[f"kpi_col{column}"]["value"] = self.env._(
                    "%(made)s of %(owed)s", made=made, owed=owed
                )
        return kpis

    def _compute_kpis_actions(self, company, user):
        actions = super()._compute_kpis_actions(company, user)
        menu = self.env.ref("airtel_ccp.ccp_menu_root").id
        actions[KPI] = f"airtel_ccp.action_ccp_callback?menu_id={menu}"
        return actions
