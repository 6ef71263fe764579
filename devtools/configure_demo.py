"""Points a demo database to the sandbox and to Odoo's own address.

Runs inside the virtual environment, as ``python -m devtools.configure_demo``: it imports Odoo.
"""

from __future__ import annotations

import argparse

from odoo import SUPERUSER_ID, api
from odoo.modules.registry import Registry
from odoo.tools import config


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
    """Write the addresses.

    :param odoo_url: where Airtel, here the sandbox, reaches Odoo; an administrator's login does not
        change it.
    :param sandbox_url: where the main company places its calls and fetches recordings.
    """
    parameters = environment["ir.config_parameter"]
    parameters.set_param("web.base.url", odoo_url)
    parameters.set_param("web.base.url.freeze", "True")
    company = environment.ref("base.main_company")
    company.write(
        {"ccp_base_url": sandbox_url, "ccp_recording_hosts": f"*.airtel.in, {sandbox_url}"}
    )


if __name__ == "__main__":
    main()
