from odoo import api, fields, models

from .res_company import PASSWORD_MASK
from .system_made import SystemMade

MOST_CHARACTERS = 200


class CcpSettingChange(SystemMade, models.Model):
    """Who changed which setting of calling, and when; nobody can change these rows."""

    _name = "ccp.setting.change"
    _description = "Change of a Calling Setting"
    _order = "id desc"
    _rec_name = "field"

    date = fields.Datetime(readonly=True, required=True, default=fields.Datetime.now)
    user_id = fields.Many2one(
        "res.users", "Changed by", readonly=True, required=True, ondelete="restrict"
    )
    company_id = fields.Many2one("res.company", readonly=True, index=True, ondelete="cascade")
    kind = fields.Selection(
        [("changed", "Changed"), ("added", "Added"), ("deleted", "Deleted")],
        "Action",
        readonly=True,
        required=True,
    )
    model = fields.Char(readonly=True, required=True)
    record_name = fields.Char("Record", readonly=True)
    field = fields.Char("Technical name", readonly=True)
    before_value = fields.Char(readonly=True)
    after_value = fields.Char(readonly=True)
    setting = fields.Char(compute="_compute_words")
    before = fields.Char(compute="_compute_words")
    after = fields.Char(compute="_compute_words")

    @api.depends_context("lang")
    @api.depends("model", "field", "before_value", "after_value")
    def _compute_words(self):
        for change in self:
            model = self.env.get(change.model)
            field = model._fields.get(change.field) if model is not None else None
            change.setting = field._description_string(self.env) if field else change.field
            change.before = change._shown(field, change.before_value)
            change.after = change._shown(field, change.after_value)

    def _shown(self, field, value):
        """Return a stored value in the reader's language.

        :param odoo.fields.Field | None field: the setting; None if it no longer exists
        :param str | bool value: as stored
        :rtype: str | bool
        """
        if field and field.type == "boolean" and value:
            return self.env._("Yes") if value == "1" else self.env._("No")
        if field and field.type == "selection":
            return dict(field._description_selection(self.env)).get(value, value)
        return value


def note(record, kind, changes=((False, False, False),)):
    """Log a change by the current user; not what an installation or update brings along.

    :param record: what was changed, as superuser: a company, or one of its records
    :param str kind: see ``ccp.setting.change``
    :param changes: for each setting: its field's name, and its values before and after
    """
    # Not by the context: a request could say there that an installation is going on
    if not record.pool.ready:
        return
    company = record if record._name == "res.company" else record.company_id
    record.env["ccp.setting.change"].create(
        [
            {
                "user_id": record.env.uid,
                "company_id": company.id,
                "kind": kind,
                "model": record._name,
                "record_name": record.display_name,
                "field": name,
                "before_value": before,
                "after_value": after,
            }
            for name, before, after in changes
        ]
    )


def text_of(record, field):
    """Return a setting's value as the log stores it: dots for a secret, False if it is empty.

    :param record: one record, as superuser
    :param odoo.fields.Field field: the setting
    :rtype: str | bool
    """
    value = record[field.name]
    if field.groups == fields.NO_ACCESS or field.name.endswith("_token"):
        return PASSWORD_MASK if value else False
    if field.type == "boolean":
        return "1" if value else "0"
    if field.relational:
        value = ", ".join(value.mapped("display_name"))
    elif field.type in ("integer", "float"):
        value = str(value)
    return str(value)[:MOST_CHARACTERS] if value else False
