from odoo import api, models

from .ccp_setting_change import note, text_of


class NotedSettings(models.BaseModel):
    """Records with settings of calling: changes are logged in ``ccp.setting.change``.

    This is not an Odoo model, but a Python class that such models inherit beside ``models.Model``.
    """

    _register = False

    def _ccp_settings(self, names):
        """Return which of some fields are settings that people change.

        :param names: names of fields
        :rtype: list[odoo.fields.Field]
        """
        fields = (self._fields[name] for name in names if name in self._fields)
        return [
            field
            for field in fields
            if field.store and not field.readonly and field.type not in ("json", "one2many")
        ]

    def write(self, vals):
        """Write records, and log who changed which setting."""
        settings = self._ccp_settings(vals)
        if not settings:
            return super().write(vals)
        # The superuser reads below what only those may see who may write it
        self.check_access("write")
        records = self.sudo()
        before = [
            [(record[field.name], text_of(record, field)) for field in settings]
            for record in records
        ]
        written = super().write(vals)
        for record, values in zip(records, before, strict=True):
            changes = [
                (field.name, text, text_of(record, field))
                for field, (value, text) in zip(settings, values, strict=True)
                if (value or False) != (record[field.name] or False)
            ]
            if changes:
                note(record, "changed", changes)
        return written


class NotedRecords(NotedSettings):
    """Settings that are records of their own: adding and deleting them is logged, too."""

    _register = False

    @api.model_create_multi
    def create(self, vals_list):
        """Create records, and log who did."""
        records = super().create(vals_list)
        for record in records.sudo():
            note(record, "added")
        return records

    def unlink(self):
        """Delete records, and log who did."""
        self.check_access("unlink")
        for record in self.sudo():
            note(record, "deleted")
        return super().unlink()
