"""Calls that ended before this version run no automation rules."""

from odoo.tools.sql import column_exists


def migrate(cr, _version):
    """Add ``ended``, true for every call that is over, without writing each row."""
    if column_exists(cr, "ccp_call", "ended"):
        return
    cr.execute("ALTER TABLE ccp_call ADD COLUMN ended BOOLEAN DEFAULT TRUE")
    cr.execute("ALTER TABLE ccp_call ALTER COLUMN ended DROP DEFAULT")
    cr.execute("UPDATE ccp_call SET ended = FALSE WHERE deadline IS NOT NULL OR live")
