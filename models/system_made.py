from odoo import models


class SystemMade(models.BaseModel):
    """Records that only the addon creates, never a user: a call, a report, a line of a log.

    This is not an Odoo model, but a Python class that such models inherit beside ``models.Model``.
    """

    _register = False

    def _add_missing_default_values(self, values):
        """Use only the defaults of the fields themselves; extends Odoo's ORM.

        Odoo also uses defaults from the request's context (``default_live``) and those that users
        store (``ir.default``). With these a user could set on the row of her own call what only
        Airtel or the addon may set.
        """
        own = {
            name: field.default(self)
            for name, field in self._fields.items()
            if field.default and name not in values
        }
        return {**self._convert_to_write(own), **values}
