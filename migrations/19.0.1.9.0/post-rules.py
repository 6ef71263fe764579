"""Agents see the incoming calls that they missed, and those of their teams that nobody took."""

from odoo import SUPERUSER_ID, api

# By XML id: the rule's former and new domain
RULES = {
    "ccp_call_rule_user": ("[('user_id', '=', user.id)]", "[('reader_id', '=', user.id)]"),
    "ccp_call_daily_rule_user": ("[('user_id', '=', user.id)]", "[('reader_id', '=', user.id)]"),
    "ccp_call_change_rule_user": (
        "[('call_id.user_id', '=', user.id)]",
        "[('call_id.reader_id', '=', user.id)]",
    ),
}


def migrate(cr, version):
    """Change these rules, unless an administrator changed them.

    :param cr: the database's cursor
    :param str version: the version that was installed
    """
    env = api.Environment(cr, SUPERUSER_ID, {})
    for name, (former, present) in RULES.items():
        rule = env.ref(f"airtel_ccp.{name}", raise_if_not_found=False)
        if rule and rule.domain_force == former:
            rule.domain_force = present
