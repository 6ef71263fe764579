from odoo import api, fields, models


class ResConfigSettings(models.TransientModel):
    """Settings > Airtel CCP: credentials, flows and house rules of the current company."""

    _inherit = "res.config.settings"

    ccp_base_url = fields.Char(
        related="company_id.ccp_base_url", readonly=False, groups="base.group_system"
    )
    ccp_api_path = fields.Char(
        related="company_id.ccp_api_path", readonly=False, groups="base.group_system"
    )
    ccp_username = fields.Char(
        related="company_id.ccp_username", readonly=False, groups="base.group_system"
    )
    ccp_password = fields.Char(
        related="company_id.ccp_password", readonly=False, groups="base.group_system"
    )
    ccp_customer_id = fields.Char(
        related="company_id.ccp_customer_id", readonly=False, groups="base.group_system"
    )
    ccp_flow_id = fields.Many2one(
        related="company_id.ccp_flow_id",
        readonly=False,
        domain="[('company_id', '=', company_id)]",
        groups="base.group_system",
    )
    ccp_notify_base_url = fields.Char(
        related="company_id.ccp_notify_base_url", readonly=False, groups="base.group_system"
    )
    ccp_require_header = fields.Boolean(
        related="company_id.ccp_require_header", readonly=False, groups="base.group_system"
    )
    ccp_recording_hosts = fields.Char(
        related="company_id.ccp_recording_hosts", readonly=False, groups="base.group_system"
    )
    ccp_number_country_id = fields.Many2one(
        related="company_id.ccp_number_country_id", readonly=False, groups="base.group_system"
    )
    ccp_calendar_id = fields.Many2one(
        related="company_id.ccp_calendar_id", readonly=False, groups="base.group_system"
    )
    ccp_company_daily_limit = fields.Integer(
        related="company_id.ccp_company_daily_limit", readonly=False, groups="base.group_system"
    )
    ccp_number_daily_limit = fields.Integer(
        related="company_id.ccp_number_daily_limit", readonly=False, groups="base.group_system"
    )
    ccp_daily_limit = fields.Integer(
        related="company_id.ccp_daily_limit", readonly=False, groups="base.group_system"
    )
    ccp_pulse_price = fields.Float(
        related="company_id.ccp_pulse_price",
        readonly=False,
        digits=(16, 4),
        groups="base.group_system",
    )
    ccp_require_outcome = fields.Boolean(
        related="company_id.ccp_require_outcome", readonly=False, groups="base.group_system"
    )
    ccp_recording_policy = fields.Selection(
        related="company_id.ccp_recording_policy", readonly=False, groups="base.group_system"
    )
    ccp_chatter_mode = fields.Selection(
        related="company_id.ccp_chatter_mode", readonly=False, groups="base.group_system"
    )
    ccp_keep_copies = fields.Boolean(
        related="company_id.ccp_keep_copies", readonly=False, groups="base.group_system"
    )
    ccp_keep_recordings_days = fields.Integer(
        related="company_id.ccp_keep_recordings_days", readonly=False, groups="base.group_system"
    )
    ccp_keep_reports_days = fields.Integer(
        related="company_id.ccp_keep_reports_days", readonly=False, groups="base.group_system"
    )
    ccp_keep_calls_days = fields.Integer(
        related="company_id.ccp_keep_calls_days", readonly=False, groups="base.group_system"
    )
    ccp_trial = fields.Boolean(
        related="company_id.ccp_trial", readonly=False, groups="base.group_system"
    )
    ccp_trial_url = fields.Char(
        related="company_id.ccp_trial_url", readonly=False, groups="base.group_system"
    )
    ccp_health_ids = fields.Many2many(
        "ccp.health", compute="_compute_ccp_health_ids", groups="base.group_system"
    )
    ccp_notify_url = fields.Char(
        "Notify URL", compute="_compute_ccp_notify_url", groups="base.group_system"
    )

    @api.depends("company_id")
    def _compute_ccp_health_ids(self):
        for settings in self:
            domain = [("company_id", "=", settings.company_id.id)]
            settings.ccp_health_ids = self.env["ccp.health"].search(domain)

    def action_ccp_check_health(self):
        """Look at everything on which calling depends, and show the settings again.

        :rtype: dict
        :raise AccessError: when the user is no administrator
        """
        self.check_access("write")
        self.ensure_one()
        self.company_id.check_access("write")
        self.company_id._ccp_check_health()
        return self.env["ir.actions.actions"]._for_xml_id("airtel_ccp.action_ccp_settings")

    @api.depends("company_id", "ccp_notify_base_url")
    def _compute_ccp_notify_url(self):
        for settings in self:
            company = settings.company_id
            settings.ccp_notify_url = company._ccp_notify_url(company.sudo().ccp_webhook_token)

    def action_ccp_renew_token(self):
        """Replace the token of the company's notify URL; see ``res.company._ccp_renew_token``.

        :return: an action that shows the settings again
        :rtype: dict
        :raise AccessError: when the user may not write the company
        """
        self.check_access("write")
        self.ensure_one()
        self.company_id.check_access("write")
        self.company_id._ccp_renew_token()
        return self.env["ir.actions.actions"]._for_xml_id("airtel_ccp.action_ccp_settings")
