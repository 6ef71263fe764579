from odoo import api, fields, models

from .ccp_call_fold_shards import count_fold_actions, switch_fold_actions
from .sandbox_command import sandbox_command


def setting(kind, name, **options):
    """Return a settings field that shows and writes the same field of the current company.

    :param kind: the class of the company's field
    :param str name: its name
    """
    related = f"company_id.{name}"
    return kind(related=related, readonly=False, groups="base.group_system", **options)


class ResConfigSettings(models.TransientModel):
    """Settings > Airtel CCP: credentials, flows and house rules of the current company."""

    _inherit = "res.config.settings"

    ccp_base_url = setting(fields.Char, "ccp_base_url")
    ccp_api_path = setting(fields.Char, "ccp_api_path")
    ccp_username = setting(fields.Char, "ccp_username")
    ccp_password = setting(fields.Char, "ccp_password")
    ccp_customer_id = setting(fields.Char, "ccp_customer_id")
    ccp_flow_id = setting(
        fields.Many2one, "ccp_flow_id", domain="[('company_id', '=', company_id)]"
    )
    ccp_notify_base_url = setting(fields.Char, "ccp_notify_base_url")
    ccp_require_header = setting(fields.Boolean, "ccp_require_header")
    ccp_recording_hosts = setting(fields.Char, "ccp_recording_hosts")
    ccp_number_country_id = setting(fields.Many2one, "ccp_number_country_id")
    ccp_calendar_id = setting(fields.Many2one, "ccp_calendar_id")
    ccp_company_daily_limit = setting(fields.Integer, "ccp_company_daily_limit")
    ccp_number_daily_limit = setting(fields.Integer, "ccp_number_daily_limit")
    ccp_daily_limit = setting(fields.Integer, "ccp_daily_limit")
    ccp_pause_seconds = setting(fields.Integer, "ccp_pause_seconds")
    ccp_reserve_phones = setting(fields.Boolean, "ccp_reserve_phones")
    ccp_pulse_price = setting(fields.Float, "ccp_pulse_price", digits=(16, 4))
    ccp_require_outcome = setting(fields.Boolean, "ccp_require_outcome")
    ccp_recording_policy = setting(fields.Selection, "ccp_recording_policy")
    ccp_chatter_mode = setting(fields.Selection, "ccp_chatter_mode")
    ccp_keep_copies = setting(fields.Boolean, "ccp_keep_copies")
    ccp_keep_recordings_days = setting(fields.Integer, "ccp_keep_recordings_days")
    ccp_keep_reports_days = setting(fields.Integer, "ccp_keep_reports_days")
    ccp_keep_unmatched_days = setting(fields.Integer, "ccp_keep_unmatched_days")
    ccp_token_days = setting(fields.Integer, "ccp_token_days")
    ccp_keep_calls_days = setting(fields.Integer, "ccp_keep_calls_days")
    ccp_trial = setting(fields.Boolean, "ccp_trial")
    ccp_trial_url = setting(fields.Char, "ccp_trial_url")
    # A setting of the whole database, not of one company
    ccp_fold_actions = fields.Integer(
        "Scheduled actions for reports",
        compute="_compute_ccp_fold_actions",
        inverse="_inverse_ccp_fold_actions",
        groups="base.group_system",
    )
    ccp_health_ids = fields.Many2many(
        "ccp.health", compute="_compute_ccp_health_ids", groups="base.group_system"
    )
    ccp_sandbox_command = fields.Char(
        "Command", compute="_compute_ccp_sandbox_command", groups="base.group_system"
    )
    ccp_notify_url = fields.Char(
        "Notify URL", compute="_compute_ccp_notify_url", groups="base.group_system"
    )

    def _compute_ccp_sandbox_command(self):
        self.ccp_sandbox_command = sandbox_command()

    @api.depends_context("uid")
    def _compute_ccp_fold_actions(self):
        self.ccp_fold_actions = count_fold_actions(self.env)

    def _inverse_ccp_fold_actions(self):
        for settings in self:
            switch_fold_actions(self.env, settings.ccp_fold_actions)

    @api.depends("company_id")
    def _compute_ccp_health_ids(self):
        for settings in self:
            domain = [("company_id", "=", settings.company_id.id)]
            settings.ccp_health_ids = self.env["ccp.health"].search(domain)

    def action_ccp_check_health(self):
        """Check everything that calling depends on, and reload the settings.

        :rtype: dict
        :raise AccessError: when the user is not an administrator
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

        :return: an action that reloads the settings
        :rtype: dict
        :raise AccessError: when the user may not write the company
        """
        self.check_access("write")
        self.ensure_one()
        self.company_id.check_access("write")
        self.company_id._ccp_renew_token()
        return self.env["ir.actions.actions"]._for_xml_id("airtel_ccp.action_ccp_settings")
