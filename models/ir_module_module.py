from odoo import models
from odoo.exceptions import UserError
from odoo.tools import config

MODULE = "airtel_ccp"


class IrModuleModule(models.Model):
    """Says what to do first if this addon is uninstalled while it is a server-wide module."""

    _inherit = "ir.module.module"

    def button_uninstall(self):
        """Mark modules to be uninstalled.

        :raise UserError: when this addon is among them and in ``server_wide_modules``: Odoo
            refuses that too, but without the reason
        :raise AccessError: when the user may not uninstall
        """
        self.check_access("write")
        if MODULE in self.mapped("name") and MODULE in config["server_wide_modules"]:
            raise UserError(
                self.env._(
                    "This server loads Airtel CCP when it starts: remove airtel_ccp from "
                    "server_wide_modules in Odoo's configuration, restart Odoo, then uninstall."
                )
            )
        return super().button_uninstall()
