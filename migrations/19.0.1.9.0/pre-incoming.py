"""The measures of incoming calls, without computing them for each call."""

from odoo.tools import SQL
from odoo.tools.sql import column_exists

# By column: when a call adds 1 to it
PARTS = {
    "incoming": "TRUE",
    "incoming_answered": "result = 'connected'",
    "incoming_missed": "result IN ('agent_no_answer', 'agent_busy', 'agent_unreachable')",
    "incoming_abandoned": "FALSE",
    # Only Airtel's reports say when somebody picked up
    "answer_seconds": "FALSE",
}
# Calls that no figure counts; the first versions did not have these columns
NOT_COUNTED = ("trial", "imported")


def migrate(cr, _version):
    """Add the columns, and fill them for the few calls that were logged by hand as incoming.

    :param cr: the database's cursor
    :param str _version: the version that was installed
    """
    missing = [name for name in PARTS if not column_exists(cr, "ccp_call", name)]
    for name in missing:
        column = SQL.identifier(name)
        cr.execute(SQL("ALTER TABLE ccp_call ADD COLUMN %s INTEGER DEFAULT 0", column))
        cr.execute(SQL("ALTER TABLE ccp_call ALTER COLUMN %s DROP DEFAULT", column))
    if not missing or not column_exists(cr, "ccp_call", "direction"):
        return
    conditions = [
        SQL("%s IS NOT TRUE", SQL.identifier(name))
        for name in NOT_COUNTED
        if column_exists(cr, "ccp_call", name)
    ]
    cr.execute(
        SQL(
            "UPDATE ccp_call SET %s WHERE %s",
            SQL(", ").join(
                SQL("%s = (%s)::int", SQL.identifier(name), SQL(PARTS[name])) for name in missing
            ),
            SQL(" AND ").join([SQL("direction = 'inbound'"), *conditions]),
        )
    )
