from odoo import api, models

from .ccp_setting_change import masked, note, text_of

# Settings that nobody may read in the log either
SECRETS = frozenset(
    ("ccp_secret_password", "ccp_webhook_token", "ccp_route_token", "ccp_kept_route_secret")
)


class NotedSettings(models.BaseModel):
    """Records with settings of calling: changes are logged in ``ccp.setting.change``.

    This is not an Odoo model, but a Python class that such models inherit beside ``models.Model``.
    """

    _register = False

    def _ccp_settings(self, names):
        """Return which of some fields are settings that people make.

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
        if settings:
            # What is read as superuser is for who may write it
            self.check_access("write")
        before = {
            record: {field: text_of(record, field) for field in settings}
            for record in self.sudo()
            if settings
        }
        written = super().write(vals)
        for record, values in before.items():
            now = {field: text_of(record, field) for field in settings}
            changes = [
                (field.name, *(self._ccp_kept(field, each[field]) for each in (values, now)))
                for field in settings
                if values[field] != now[field]
            ]
            if changes:
                note(record, "changed", changes)
        return written

    @api.model
    def _ccp_kept(self, field, text):
        return masked(text) if field.name in SECRETS else text


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
