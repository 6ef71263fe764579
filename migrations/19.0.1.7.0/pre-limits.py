"""Companies that exist keep calling without a pause, until somebody sets one."""

from odoo.tools.sql import column_exists


def migrate(cr, _version):
    """Add the pause between calls as none; new companies begin with one.

    :param cr: the database's cursor
    :param str _version: the version that was installed
    """
    if not column_exists(cr, "res_company", "ccp_pause_seconds"):
        cr.execute("ALTER TABLE res_company ADD COLUMN ccp_pause_seconds INTEGER")
        cr.execute("UPDATE res_company SET ccp_pause_seconds = 0")
