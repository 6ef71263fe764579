from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from ..ccp.safe import number
from .presence import CALLS
from .remedy import refusal
from .utils import CLOSE, notice

AGAIN_AFTER = timedelta(hours=1)
# The bus message that says that a rep's call list changed
LIST_MESSAGE = "airtel_ccp.list"


class CcpCallListItem(models.Model):
    """A record on a rep's own call list; nothing dials by itself."""

    _name = "ccp.call.list.item"
    _description = "Call List Entry"
    _order = "sequence, id"
    _rec_name = "customer_name"

    user_id = fields.Many2one(
        "res.users",
        "Agent",
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
        CALLS.note(self.env)
        return super()._create(data_list)

    @api.constrains("res_model")
    def _check_res_model(self):
        for item in self:
            if not self._has_a_table(item.res_model):
                raise ValidationError(item.env._("These records cannot be called."))

    @api.model
    def _has_a_table(self, res_model):
        """Return whether a model exists and has a table; a client can send any name."""
        model = self.env.get(res_model) if isinstance(res_model, str) else None
        return model is not None and not (model._abstract or model._transient)

    @api.depends("call_ids.state")
    def _compute_attempts(self):
        for item in self:
            calls = item.sudo().call_ids
            item.attempts = len(calls.filtered(lambda call: call.state != "refused"))

    @api.model_create_multi
    def create(self, vals_list):
        """Create entries, and notify the tabs of the reps whose lists changed."""
        items = super().create(vals_list)
        items._notify_reps(items.user_id)
        return items

    def write(self, vals):
        """Write entries, and notify the tabs of the reps whose lists changed."""
        reps = self.user_id
        written = super().write(vals)
        # Odoo checks the record rules before a change, not after it
        self.check_access("write")
        self._notify_reps(reps | self.user_id)
        return written

    def unlink(self):
        """Delete entries, and notify the tabs of the reps whose lists changed."""
        reps = self.user_id
        deleted = super().unlink()
        self._notify_reps(reps)
        return deleted

    @api.model
    def _notify_reps(self, reps):
        """Notify the reps' browsers, which then reload the list in panel and views."""
        for rep in reps:
            rep._bus_send(LIST_MESSAGE, {})

    @api.model
    def _of_click(self, item_id, record):
        """Return the entry that a click named, if it still waits and is about that record.

        :param int | None item_id: an entry of the user's own list, if the click named one
        :param record: the record that was clicked
        :return: the entry, or an empty recordset
        :raise UserError: when it was skipped, called or deleted in the meantime
        :raise AccessError: for somebody else's entry
        """
        item = self._ccp_records(self._name, [item_id]) if item_id else self.browse()
        item.check_access("write")
        is_meant = (item.res_model, item.res_id) == (record._name, record.id)
        if item_id and not (item.state == "waiting" and is_meant):
            raise refusal(
                self.env._(
                    "This entry of your call list is not waiting any more, so nobody was called: "
                    "the panel shows who is next."
                ),
                opens="panel",
            )
        return item

    def _record(self):
        """Return the record to call; empty if it is deleted or the user may not read it."""
        self.ensure_one()
        if not self._has_a_table(self.res_model):
            return self.browse()
        record = self._ccp_records(self.res_model, [self.res_id])
        return record if record and record.has_access("read") else record.browse()

    def _follow_merge(self, survivor):
        """Move entries to the record that theirs was merged into.

        If both records were on a rep's list, one entry keeps waiting and the rest are skipped.

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
        self.env.user._ccp_check_may_call()
        records = self._ccp_records(res_model, res_ids if isinstance(res_ids, list) else [])
        if not self._has_a_table(res_model):
            raise UserError(self.env._("These records cannot be called."))
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
                    "customer_name": self._person(record),
                }
            )
        self.create(added)
        return {"added": len(added), "left_out": left_out}

    @api.model
    def action_add(self, res_model, res_ids):
        """Put the records selected in a list on the user's own call list.

        :return: a notification that names the records left out, and why
        :rtype: dict
        :raise AccessError: see ``add_records``
        """
        answer = self.add_records(res_model, res_ids)
        lines = [self.env._("%s added to your call list.", answer["added"])]
        lines += [
            self.env._("Left out: %(name)s. %(reason)s", **each) for each in answer["left_out"]
        ]
        is_short = bool(answer["left_out"])
        kind = "warning" if is_short else "success"
        return notice("\n".join(lines), kind, then=CLOSE, sticky=is_short)

    @api.model
    def _person(self, record):
        """Return the name to call a record by: a person's name rather than a lead's title.

        :rtype: str
        """
        return record._ccp_person(record._ccp_contact())

    @api.model
    def _why_not(self, record, listed):
        """Return why a record cannot be on the call list, "" if it can."""
        if record.id in listed:
            return self.env._("is on your call list already")
        try:
            record._ccp_number(record._ccp_company())
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
        # Without entries whose record was deleted or became unreadable
        return next((item for item in due if item._record()), self.browse())

    @api.model
    def _panel_values(self):
        """Return the next entry of the user's call list, and how many wait, for the panel.

        :rtype: dict
        """
        waiting = self.search_count([("user_id", "=", self.env.uid), ("state", "=", "waiting")])
        item = self._next() if waiting else self.browse()
        values = {"waiting": waiting, "next": False}
        if item:
            record = item._record()
            phone = next((record[name] for name in record._ccp_phone_fields() if record[name]), "")
            values["next"] = {
                "id": item.id,
                "name": self._person(record),
                "record_name": record.display_name,
                "phone": number.mask(phone),
                "attempts": item.attempts,
                "res_model": item.res_model,
                "res_id": item.res_id,
            }
        return values

    def action_skip(self):
        """Take this entry off the list without a call.

        :rtype: bool
        :raise AccessError: for somebody else's entry
        """
        self.check_access("write")
        self.state = "skipped"
        return True

    def action_again(self):
        """Put this entry off: it goes to the end of the list and waits an hour.

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
