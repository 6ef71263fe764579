from odoo import api, models


class OwnRecords(models.BaseModel):
    """Records that somebody changes who may change them afterwards, too.

    Odoo asks the record rules before a record is changed, so one could give it away to another
    company. Not a model of Odoo's, but a Python class that such models inherit beside
    ``models.Model`` or ``models.TransientModel``.
    """

    _register = False

    # The fields by which a record is somebody's own
    _own_by = ("company_id",)

    @api.constrains(lambda model: model._own_by)
    def _check_own(self):
        """Check that the user may still change these records.

        :raise AccessError: when the user may not
        """
        # Odoo checks constraints as superuser
        self.sudo(False).check_access("write")
