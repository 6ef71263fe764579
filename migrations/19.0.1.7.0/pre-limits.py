"""Companies that exist get no limit that they did not have, until somebody sets one."""

from odoo.tools import SQL
from odoo.tools.sql import column_exists

# Those that new companies begin with
LIMITS = ("ccp_daily_limit", "ccp_number_daily_limit", "ccp_pause_seconds")


def migrate(cr, _version):
    """Add each limit that the installed version did not know as none.

    :param cr: the database's cursor
    :param str _version: the version that was installed
    """
    for name in LIMITS:
        if not column_exists(cr, "res_company", name):
            column = SQL.identifier(name)
            cr.execute(SQL("ALTER TABLE res_company ADD COLUMN %s INTEGER", column))
            cr.execute(SQL("UPDATE res_company SET %s = 0", column))
