"""Makes the company of a demo database Indian, with an account at the sandbox; sets addresses.

Runs inside the virtual environment, as ``python -m devtools.lab.demo_company``: it imports Odoo.
"""

from __future__ import annotations

import argparse

from odoo import SUPERUSER_ID, Command, api
from odoo.modules.registry import Registry
from odoo.tools import config

from .company import open_account
from .customers import AIRTEL_NUMBER

# Stored in the database: what a person changes afterwards stays
SET_UP = "airtel_ccp.demo_company_set_up"
TIME_ZONE = "Asia/Kolkata"
# The sandbox's own desk
DESK = "7000000909"


def main() -> None:
    """Read the command line and write the addresses into the database."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", required=True, help="Odoo's configuration file")
    parser.add_argument("--database", required=True)
    parser.add_argument("--odoo-url", required=True)
    parser.add_argument("--sandbox-url", required=True)
    arguments = parser.parse_args()
    config.parse_config(
        ["--config", arguments.config, "--database", arguments.database, "--no-http"]
    )
    with Registry(arguments.database).cursor() as cursor:
        environment = api.Environment(cursor, SUPERUSER_ID, {})
        configure(environment, arguments.odoo_url, arguments.sandbox_url)


def configure(environment: api.Environment, odoo_url: str, sandbox_url: str) -> None:
    """Write the addresses; the first time, also the other data of a company in India.

    :param odoo_url: where Airtel, here the sandbox, reaches Odoo; an administrator's login does not
        change it.
    :param sandbox_url: the address for the main company's calls and recordings.
    """
    parameters = environment["ir.config_parameter"]
    company = environment.ref("base.main_company")
    if not parameters.get_param(SET_UP):
        _move_to_india(environment, company)
        open_account(
            company,
            sandbox_url,
            ccp_flow_id=environment.ref("airtel_ccp.ccp_call_flow_demo").id,
            ccp_calendar_id=environment.ref("airtel_ccp.resource_calendar_demo").id,
            ccp_pulse_price=0.3,
            # A new company's limits; a higher one for the sandbox's few numbers, which are called
            # often
            ccp_daily_limit=300,
            ccp_number_daily_limit=50,
            ccp_pause_seconds=3,
        )
        parameters.set_param(SET_UP, "True")
    _take_calls(environment, company)
    parameters.set_param("web.base.url", odoo_url)
    parameters.set_param("web.base.url.freeze", "True")
    company.write(
        {"ccp_base_url": sandbox_url, "ccp_recording_hosts": f"*.airtel.in, {sandbox_url}"}
    )


def _take_calls(environment: api.Environment, company) -> None:
    """Let customers call the company around the clock, unless that was set up already."""
    flows = environment["ccp.call.flow"].with_context(active_test=False)
    if flows.search_count([("call_type", "=", "INBOUND")]):
        return
    team = environment.ref("sales_team.team_sales_department")
    agents = [environment.ref(f"airtel_ccp.user_{name}") for name in ("asha", "ravi")]
    team.write({"member_ids": [Command.link(agent.id) for agent in agents]})
    flows.create(
        {
            "name": "Customers who call",
            "code": "SANDBOX-INBOUND",
            "call_type": "INBOUND",
            "caller_number": AIRTEL_NUMBER,
            "company_id": company.id,
            "desk_number": DESK,
            "ring_team_id": team.id,
            "ring_strategy": "SEQUENTIAL",
        }
    )
    company.resource_calendar_id = environment.ref("airtel_ccp.resource_calendar_demo")


def _move_to_india(environment: api.Environment, company) -> None:
    """Give the company and its people India's country, currency, language and time zone."""
    rupee = environment.ref("base.INR")
    rupee.active = True
    language = environment["res.lang"]._activate_lang("en_IN")
    company.write(
        {
            "name": "Nilgiri Trading",
            "street": "Mahatma Gandhi Road",
            "street2": False,
            "city": "Bengaluru",
            "zip": "560001",
            "state_id": environment.ref("base.state_in_ka").id,
            "country_id": environment.ref("base.in").id,
            "currency_id": rupee.id,
            "phone": False,
        }
    )
    people = environment["res.users"].with_context(active_test=False).search([])
    people.partner_id.write({"lang": language.code, "tz": TIME_ZONE})
    # For contacts that are created later
    for name, value in (("lang", language.code), ("tz", TIME_ZONE)):
        environment["ir.default"].set("res.partner", name, value)


if __name__ == "__main__":
    main()
