"""The weekly mail about calls says how many customers were called back."""

from odoo import SUPERUSER_ID, api


def migrate(cr, _version):
    """Add the figure to the mail, unless an administrator has deleted the mail."""
    env = api.Environment(cr, SUPERUSER_ID, {})
    digest = env.ref("airtel_ccp.digest_ccp_weekly", raise_if_not_found=False)
    if digest:
        digest.kpi_ccp_callbacks = True
