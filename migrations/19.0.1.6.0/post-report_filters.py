"""Move the reports' favorites to the model that reports now use."""

import re

from odoo import SUPERUSER_ID, api

REPORTS = ("action_ccp_call_report", "action_ccp_call_report_hour", "action_ccp_call_report_agent")


def migrate(cr, version):
    """Move favorites that a report showed; those with other fields stay with calls.

    :param cr: the database's cursor
    :param str version: the version that was installed
    """
    env = api.Environment(cr, SUPERUSER_ID, {})
    reports = [env.ref(f"airtel_ccp.{name}").id for name in REPORTS]
    calls, daily = env["ccp.call"]._fields, env["ccp.call.daily"]._fields
    filters = env["ir.filters"].with_context(active_test=False)
    for favorite in filters.search([("model_id", "=", "ccp.call"), ("action_id", "in", reports)]):
        words = re.findall(r"""['"](\w+)""", f"{favorite.domain} {favorite.context}")
        names = {word for word in words if word in calls} - {"trial"}
        values = (
            {"model_id": "ccp.call.daily", "domain": _without_trials(favorite.domain)}
            if names <= set(daily)
            else {"action_id": env.ref("airtel_ccp.action_ccp_call").id}
        )
        favorite.write(values)


def _without_trials(domain):
    """Return a domain without its condition on trials, which the report does not contain."""
    leaf = r"""[([]\s*['"]trial['"]\s*,\s*['"]=['"]\s*,\s*False\s*[])]"""
    return re.sub(leaf, "(1, '=', 1)", domain)
