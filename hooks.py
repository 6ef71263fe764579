"""Runs once, when the addon is installed or uninstalled."""

import shutil

from odoo.fields import Domain

from .models import streams
from .models.ir_attachment import RECORDING_FIELD
from .models.spool import make_token, spool_of


def post_init_hook(env):
    """Give existing companies the values that new companies get by default.

    Their columns were filled before the calling hours existed, and with the same token for all.

    :param odoo.api.Environment env: superuser's environment
    """
    hours = env.ref("airtel_ccp.resource_calendar_calling_hours")
    for company in env["res.company"].with_context(active_test=False).search([]):
        company.ccp_webhook_token = make_token(env)
        company.ccp_calendar_id = company.ccp_calendar_id or hours


def uninstall_hook(env):
    """Delete what is not deleted with the tables: functions, recordings, bus messages, files.

    :param odoo.api.Environment env: superuser's environment
    """
    env["ccp.call.daily"]._drop_trigger()
    env["ccp.call.event"]._drop_function()
    recordings = Domain("res_model", "=", "ccp.call") & Domain("res_field", "=", RECORDING_FIELD)
    env["ir.attachment"].search(recordings).unlink()
    # Odoo drops foreign keys with their models, but models such as res.company stay
    foreign_keys = Domain("type", "=", "f") & Domain("module.name", "=", "airtel_ccp")
    foreign_keys &= Domain("model.model", "not like", "ccp.")
    env["ir.model.constraint"].search(foreign_keys).unlink()
    env.cr.execute("DELETE FROM bus_bus WHERE message::jsonb ->> 'type' LIKE 'airtel_ccp.%'")
    spool_of(env).remove_all()
    shutil.rmtree(streams.folder(), ignore_errors=True)
