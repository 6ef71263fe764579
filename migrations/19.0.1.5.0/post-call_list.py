"""Names on call lists."""

from odoo import SUPERUSER_ID, api


def migrate(cr, version):
    """Store the person to call as the name of waiting entries, instead of a lead's title."""
    env = api.Environment(cr, SUPERUSER_ID, {})
    for item in env["ccp.call.list.item"].search([("state", "=", "waiting")]):
        record = item._record()
        if record:
            item.customer_name = item._person(record)
