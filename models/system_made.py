from odoo import models


class SystemMade(models.BaseModel):
    """What only the addon itself creates, never a user: a call, a report, a line of a log.

    Not a model of Odoo's, but a Python class that such models inherit beside ``models.Model``.
    """

    _register = False

    def _add_missing_default_values(self, values):
        """Extension of Odoo's ORM: only the defaults of the fields themselves count.

        Odoo also takes those of the request (``default_live`` in its context) and those that users
        keep for themselves (``ir.default``). With them a user could say of the row of her own
        call what only Airtel or the addon says.
        """
        own = {
            name: field.default(self)
            for name, field in self._fields.items()
            if field.default and name not in values
        }
        return {**self._convert_to_write(own), **values}
