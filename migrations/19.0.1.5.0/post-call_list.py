"""Names on call lists."""

from odoo import SUPERUSER_ID, api


def migrate(cr, version):
    """Entries that wait name the person to call: a lead's title stood there."""
    env = api.Environment(cr, SUPERUSER_ID, {})
    for item in env["ccp.call.list.item"].search([("state", "=", "waiting")]):
        record = item._record()
        if record:
            item.customer_name = item._person(record)
