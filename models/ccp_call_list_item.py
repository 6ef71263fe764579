from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..ccp import number

AGAIN_AFTER = timedelta(hours=1)


class CcpCallListItem(models.Model):
    """A record on a rep's own call list; nothing dials by itself."""

    _name = "ccp.call.list.item"
    _description = "Call List Entry"
    _order = "sequence, id"
    _rec_name = "customer_name"

    user_id = fields.Many2one(
        "res.users",
        "Rep",
        required=True,
        index=True,
        ondelete="cascade",
        default=lambda self: self.env.user,
    )
    sequence = fields.Integer(default=10)
    res_model = fields.Char("Record's model", required=True, readonly=True)
    res_id = fields.Many2oneReference(
        "Record", model_field="res_model", required=True, readonly=True
    )
    customer_name = fields.Char("Customer", readonly=True)
    state = fields.Selection(
        [("waiting", "To call"), ("done", "Reached"), ("skipped", "Skipped")],
        required=True,
        default="waiting",
    )
    next_date = fields.Datetime("Not before")
    call_ids = fields.One2many("ccp.call", "list_item_id", "Calls", readonly=True)
    attempts = fields.Integer(compute="_compute_attempts")

    _waiting_uniq = models.UniqueIndex(
        "(user_id, res_model, res_id) WHERE state = 'waiting'",
        "This record is on your call list already.",
    )

    @api.model
    def _create(self, data_list):
        self.env["ccp.presence"]._note()
        return super()._create(data_list)

    @api.depends("call_ids.state")
    def _compute_attempts(self):
        for item in self:
            calls = item.sudo().call_ids
            item.attempts = len(calls.filtered(lambda call: call.state != "refused"))

    def _record(self):
        """Return the record to call, or an empty recordset when it is gone or out of reach."""
        self.ensure_one()
        if self.res_model not in self.env:
            return self.browse()
        record = self.env[self.res_model].browse(self.res_id).exists()
        return record if record and record.has_access("read") else record.browse()

    def _follow_merge(self, survivor):
        """Move entries to the record that their own was merged into.

        Who had both on the list keeps one that waits; the others count as skipped.

        :param survivor: the record that stays
        """
        if not self:
            return
        waiting = self.search(
            [
                ("res_model", "=", survivor._name),
                ("res_id", "=", survivor.id),
                ("state", "=", "waiting"),
            ]
        )
        listed = set(waiting.user_id.ids)
        for item in self:
            values = {"res_id": survivor.id}
            if item.state == "waiting":
                if item.user_id.id in listed:
                    values["state"] = "skipped"
                listed.add(item.user_id.id)
            item.write(values)

    @api.model
    def add_records(self, res_model, res_ids):
        """Put records on the user's own call list.

        :param str res_model: the records' model
        :param list[int] res_ids: the records' ids, in the order to call them
        :return: ``{"added": int, "left_out": [{"name": str, "reason": str}]}``
        :rtype: dict
        :raise AccessError: for users without calling rights, or records out of reach
        :raise UserError: for a model that cannot be called
        """
        self.env["ccp.panel"]._check_user()
        if res_model not in self.env:
            raise UserError(self.env._("These records cannot be called."))
        records = self.env[res_model].browse(res_ids).exists()
        records.check_access("read")
        waiting = self.search(
            [
                ("user_id", "=", self.env.uid),
                ("res_model", "=", res_model),
                ("res_id", "in", records.ids),
                ("state", "=", "waiting"),
            ]
        )
        listed = set(waiting.mapped("res_id"))
        last = self.search([("user_id", "=", self.env.uid)], order="sequence desc", limit=1)
        added, left_out = [], []
        for record in records:
            reason = self._why_not(record, listed)
            if reason:
                left_out.append({"name": record.display_name, "reason": reason})
                continue
            added.append(
                {
                    "user_id": self.env.uid,
                    "sequence": last.sequence + len(added) + 1,
                    "res_model": res_model,
                    "res_id": record.id,
                    "customer_name": record.display_name,
                }
            )
        self.create(added)
        return {"added": len(added), "left_out": left_out}

    @api.model
    def action_add(self, res_model, res_ids):
        """Put the records selected in a list on the user's own call list.

        :return: a notification that names the ones left out, and why
        :rtype: dict
        :raise AccessError: see ``add_records``
        """
        answer = self.add_records(res_model, res_ids)
        lines = [self.env._("%s added to your call list.", answer["added"])]
        lines += [
            self.env._("Left out: %(name)s. %(reason)s", **each) for each in answer["left_out"]
        ]
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "warning" if answer["left_out"] else "success",
                "message": "\n".join(lines),
                "sticky": bool(answer["left_out"]),
                "next": {"type": "ir.actions.act_window_close"},
            },
        }

    @api.model
    def _why_not(self, record, listed):
        """Return why a record cannot be on the call list, or an empty text."""
        if record.id in listed:
            return self.env._("is on your call list already")
        dialer = self.env["ccp.dialer"]
        try:
            dialer._customer_number(record, None, dialer._company(record))
        except UserError as error:
            return error.args[0]
        return ""

    @api.model
    def _next(self):
        """Return the entry that is due now."""
        due = self.search(
            [
                ("user_id", "=", self.env.uid),
                ("state", "=", "waiting"),
                "|",
                ("next_date", "=", False),
                ("next_date", "<=", fields.Datetime.now()),
            ]
        )
        # Entries whose record is gone or out of reach meanwhile are passed over
        return next((item for item in due if item._record()), self.browse())

    @api.model
    def _panel_values(self):
        """Return the head of the user's call list for the panel.

        :rtype: dict
        """
        waiting = self.search_count([("user_id", "=", self.env.uid), ("state", "=", "waiting")])
        item = self._next() if waiting else self.browse()
        values = {"waiting": waiting, "next": False}
        if item:
            record = item._record()
            phone = next(
                (record[name] for name in record._phone_get_number_fields() if record[name]), ""
            )
            values["next"] = {
                "id": item.id,
                "name": record.display_name,
                "phone": number.mask(phone),
                "attempts": item.attempts,
                "res_model": item.res_model,
                "res_id": item.res_id,
            }
        return values

    def action_call(self):
        """Call this entry's record.

        :return: see ``ccp.call.place``
        :rtype: dict
        :raise UserError: when no call was placed
        :raise AccessError: for somebody else's entry
        """
        self.ensure_one()
        self.check_access("write")
        return self.env["ccp.call"].place(self.res_model, self.res_id, list_item_id=self.id)

    def action_skip(self):
        """Take this entry off the list without a call.

        :rtype: bool
        :raise AccessError: for somebody else's entry
        """
        self.check_access("write")
        self.state = "skipped"
        return True

    def action_again(self):
        """Try this entry again later: it goes to the end and waits an hour.

        :rtype: bool
        :raise AccessError: for somebody else's entry
        """
        self.check_access("write")
        for item in self:
            last = self.search([("user_id", "=", item.user_id.id)], order="sequence desc", limit=1)
            item.write(
                {
                    "state": "waiting",
                    "sequence": last.sequence + 1,
                    "next_date": fields.Datetime.now() + AGAIN_AFTER,
                }
            )
        return True
