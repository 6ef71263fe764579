"""Calls from before this version owe no call-backs."""

from odoo.tools.sql import column_exists


def migrate(cr, _version):
    """Add columns that Odoo would otherwise compute for each call; empty means no."""
    for name in ("owes_callback", "to_settle"):
        if not column_exists(cr, "ccp_call", name):
            cr.execute(f"ALTER TABLE ccp_call ADD COLUMN {name} BOOLEAN")
