"""Calls of before this version owe no call-back."""

from odoo.tools.sql import column_exists


def migrate(cr, _version):
    """Add what Odoo would otherwise work out for each call; without a value it says no."""
    for name in ("owes_callback", "to_settle"):
        if not column_exists(cr, "ccp_call", name):
            cr.execute(f"ALTER TABLE ccp_call ADD COLUMN {name} BOOLEAN")
