from collections import defaultdict

from odoo import api, models
from odoo.exceptions import UserError

from .utils import form_of, notice


class CcpCall(models.Model):
    """The record that was called, and the actions that open a record's calls."""

    _inherit = "ccp.call"

    @api.model
    def _counts(self, field_name, records):
        """Return how many calls the user may see, by record, in one query.

        :param str field_name: the many2one that leads from a call to the record
        :param records: the records to count for
        :rtype: dict[int, int]
        """
        groups = self._read_group([(field_name, "in", records.ids)], [field_name], ["__count"])
        return {record.id: count for record, count in groups}

    @api.model
    def _list_action(self, domain):
        """Return the action that opens some calls.

        :param odoo.fields.Domain domain: the calls
        :rtype: dict
        :raise AccessError: when the user may not see calls at all
        """
        self.check_access("read")
        action = self.env["ir.actions.actions"]._for_xml_id("airtel_ccp.action_ccp_call")
        return dict(action, domain=list(domain), context={})

    def _record(self):
        """Return the record that was called, or an empty recordset if it was deleted.

        :rtype: odoo.models.BaseModel
        """
        self.ensure_one()
        return self._records()[self]

    def _records(self):
        """Return the record that each of these calls was about, with one query for each model.

        :return: by call: the record, or an empty recordset if it was deleted
        :rtype: dict
        """
        ids_by_model = defaultdict(list)
        for call in self.filtered(lambda call: call.res_model in self.env):
            ids_by_model[call.res_model].append(call.res_id)
        found = {name: self.env[name].browse(ids).exists() for name, ids in ids_by_model.items()}
        ids = {name: set(records.ids) for name, records in found.items()}
        return {
            call: (
                found[call.res_model]
                .browse([call.res_id] if call.res_id in ids[call.res_model] else [])
                .with_prefetch(found[call.res_model]._ids)
                if call.res_model in found
                else self.browse()
            )
            for call in self
        }

    def action_open_record(self):
        """Open the record that was called.

        :return: a window action, or a notification if the record was deleted
        :rtype: dict
        :raise AccessError: when the user may not read the call or the record
        """
        self.ensure_one()
        self.check_access("read")
        record = self._record()
        if not record:
            return notice(self._gone(), "warning")
        record._ccp_check_readable()
        return form_of(record, False, target="current")

    def _gone(self):
        return self.env._("The record that was called does not exist any more.")

    def action_call_again(self):
        """Have the browser call the same record again.

        :rtype: dict
        :raise UserError: if the record was deleted
        :raise AccessError: when the user may not read the call or the record
        """
        self.ensure_one()
        self.check_access("read")
        record = self._record()
        if not record:
            raise UserError(self._gone())
        record._ccp_check_readable()
        return record._ccp_call_action()
