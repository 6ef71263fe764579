"""Existing companies get no new limits until somebody sets them."""

from odoo.tools import SQL
from odoo.tools.sql import column_exists

# The limits of new companies
LIMITS = ("ccp_daily_limit", "ccp_number_daily_limit", "ccp_pause_seconds")


def migrate(cr, _version):
    """Add each limit that the installed version did not have, as no limit.

    :param cr: the database's cursor
    :param str _version: the version that was installed
    """
    for name in LIMITS:
        if not column_exists(cr, "res_company", name):
            column = SQL.identifier(name)
            cr.execute(SQL("ALTER TABLE res_company ADD COLUMN %s INTEGER", column))
            cr.execute(SQL("UPDATE res_company SET %s = 0", column))
