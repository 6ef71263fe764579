from odoo import api, models


class OwnRecords(models.BaseModel):
    """Records that a user may not give away, such as to another company.

    Odoo checks the record rules before a change only; the constraint here checks them after it.
    This is not an Odoo model, but a Python class that such models inherit beside ``models.Model``
    or ``models.TransientModel``.
    """

    _register = False

    # The fields that decide whose a record is
    _own_by = ("company_id",)

    @api.constrains(lambda model: model._own_by)
    def _check_own(self):
        """Check that the user may still change these records.

        :raise AccessError: when the user may not
        """
        # Odoo runs constraints as superuser
        self.sudo(False).check_access("write")
