from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

from ..ccp.safe import number
from .callback_ledger import DROPPED, OPEN
from .system_made import SystemMade
from .utils import form_of, notice

MAX_REASON = 200


class CcpCallback(SystemMade, models.Model):
    """A call-back: a customer whose calls nobody took must be called back by a certain time.

    A customer's number has one open entry in a company, however often the customer calls. No user
    has the right to write one. The scheduled action derives it from the calls with that number;
    people take it, hand it over or give it up through methods that check their rights.
    """

    _name = "ccp.callback"
    _description = "Call-back"
    _order = "due_date, id"
    _rec_name = "customer_name"

    customer_number = fields.Char("Customer's phone", readonly=True, index=True)
    customer_name = fields.Char("Customer", readonly=True)
    company_id = fields.Many2one(
        "res.company", readonly=True, required=True, index=True, ondelete="cascade"
    )
    flow_id = fields.Many2one(
        "ccp.call.flow",
        "Airtel number",
        readonly=True,
        ondelete="set null",
        help="The number that the customer called last.",
    )
    team_id = fields.Many2one(
        "crm.team", "Sales team", readonly=True, index="btree_not_null", ondelete="set null"
    )
    user_id = fields.Many2one(
        "res.users",
        "Agent",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
        help="Who calls back. If it is empty, anybody in the sales team can take it.",
    )
    state = fields.Selection(
        [(OPEN, "Open"), ("done", "Called back"), (DROPPED, "Dropped")],
        readonly=True,
        required=True,
        default=OPEN,
    )
    attempts = fields.Integer(
        "Missed calls",
        readonly=True,
        aggregator="sum",
        help="How many calls of this customer were missed.",
    )
    first_missed = fields.Datetime("First missed call", readonly=True, required=True)
    last_missed = fields.Datetime("Last missed call", readonly=True, required=True)
    opened_date = fields.Datetime("Open since", readonly=True, required=True)
    due_date = fields.Datetime(
        "Due",
        readonly=True,
        required=True,
        help="In working time after the missed call that opened it.",
    )
    is_overdue = fields.Boolean(
        "Overdue", compute="_compute_is_overdue", search="_search_is_overdue"
    )
    call_ids = fields.One2many("ccp.call", "callback_id", "Calls", readonly=True)
    closed_by_id = fields.Many2one(
        "ccp.call",
        "Closed by",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
        help="The conversation with that number that began after the last missed call.",
    )
    closed_date = fields.Datetime("Closed", readonly=True)
    callback_seconds = fields.Integer(
        "Time to call back (seconds)",
        readonly=True,
        aggregator="avg",
        help="From the missed call that opened it until the conversation that closed it.",
    )
    in_time_rate = fields.Float(
        "In time (%)",
        digits=(5, 1),
        readonly=True,
        aggregator="avg",
        help="Share of call-backs that were made by the time they were due.",
    )
    partner_id = fields.Many2one(
        "res.partner", "Contact", readonly=True, index="btree_not_null", ondelete="set null"
    )
    res_model = fields.Char("Record's model", readonly=True)
    res_id = fields.Many2oneReference("Record", model_field="res_model", readonly=True)
    trial = fields.Boolean(
        readonly=True, help="For calls at the sandbox: not counted in any figure."
    )
    released = fields.Boolean(
        "Handed over to the team",
        readonly=True,
        help="Its agent left it to the team, so the record's owner does not get it back.",
    )
    drop_reason = fields.Char("Why it was dropped", readonly=True)
    dropped_date = fields.Datetime("Dropped at", readonly=True)
    dropped_by_id = fields.Many2one("res.users", "Dropped by", readonly=True, ondelete="set null")
    dropped_for_id = fields.Many2one(
        "ccp.call",
        "Dropped for the outcome of",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )
    erased = fields.Boolean("Erased on request", readonly=True)
    # Of missed calls that were deleted after their period
    deleted_attempts = fields.Integer("Deleted missed calls", readonly=True)
    deleted_first = fields.Datetime("First deleted missed call", readonly=True)
    deleted_last = fields.Datetime("Last deleted missed call", readonly=True)

    _open_uniq = models.UniqueIndex(
        "(company_id, customer_number, trial) WHERE state = 'open'",
        "This number already has an open call-back.",
    )
    _due_idx = models.Index("(company_id, due_date) WHERE state = 'open'")

    @api.depends("state", "due_date")
    def _compute_is_overdue(self):
        now = fields.Datetime.now()
        for callback in self:
            callback.is_overdue = callback.state == OPEN and callback.due_date < now

    def _search_is_overdue(self, operator, value):
        """Find call-backs by whether they are overdue."""
        if operator != "in":
            return NotImplemented
        overdue = self._overdue()
        return Domain.OR([overdue if each else ~overdue for each in value])

    @api.model
    def _overdue(self):
        """Return the domain of overdue call-backs.

        :rtype: odoo.fields.Domain
        """
        return Domain("state", "=", OPEN) & Domain("due_date", "<", fields.Datetime.now())

    @api.depends("customer_name", "customer_number")
    @api.depends_context("uid", "allowed_company_ids")
    def _compute_display_name(self):
        # Odoo shows the name of a linked record to everybody who sees the link
        readable = set(self.sudo(False)._filtered_access("read")._ids)
        for callback in self:
            if callback.id and callback.id not in readable:
                callback.display_name = self.env._("Call-back %s", callback.id)
                continue
            customer = callback.customer_name or number.mask(callback.customer_number or "")
            callback.display_name = self.env._("Call back %s", customer)

    # Calling back

    def _phone_get_number_fields(self):
        """Have a call-back without a record called by its own number."""
        return ["customer_number"]

    def _record(self):
        """Return the record that the customer called about, or an empty recordset.

        :return: a record that the user may read
        :rtype: odoo.models.BaseModel
        """
        self.ensure_one()
        record = self._ccp_records(self.res_model, [self.res_id]) or self.partner_id.exists()
        return record if record and record.has_access("read") else record.browse()

    def _key_of_number(self, record):
        """Return the key of this call-back's number among the numbers of a record.

        :param record: a record that the user may read
        :rtype: str | None
        """
        self.ensure_one()
        numbers = record._ccp_numbers(self.sudo().company_id)
        wanted = self.sudo().customer_number
        return next((key for key, each in numbers.items() if each["digits"] == wanted), None)

    def action_call_back(self):
        """Take this call-back, and have the browser call the customer.

        The record is called if it still has that number, else the call-back itself.

        :return: the action with which the browser places a call
        :rtype: dict
        :raise AccessError: when the user may not call, or may not see the call-back
        :raise UserError: when nothing is owed any more, or somebody else has taken it
        """
        self.ensure_one()
        self._check_may_act()
        if self.user_id != self.env.user:
            self._take()
        record = self._record()
        if not record or not self._key_of_number(record):
            record = self
        action = record._ccp_call_action()
        action["params"]["options"] = {"callback_id": self.id, "company_id": self.company_id.id}
        return action

    def action_open_record(self):
        """Open the record that the customer called about.

        :return: a window action, or a notification if there is none
        :rtype: dict
        :raise AccessError: when the user may not read the call-back
        """
        self.ensure_one()
        self.check_access("read")
        record = self._record()
        if not record:
            return notice(
                self.env._("There is no record of this customer that you may see."), "warning"
            )
        return form_of(record, False, target="current")

    def _ccp_person(self, contact):
        """Return whom to call; the call-back's own name describes the task."""
        return contact.name or self.customer_name

    # Who is in charge

    def _check_may_act(self):
        """Check that the current user may act on these call-backs, and that they are open.

        :raise AccessError: for users without the right to call, or who may not see them
        :raise UserError: when one is not open any more
        """
        self.env.user._ccp_check_may_call()
        self.check_access("read")
        for callback in self:
            if callback.state != OPEN:
                raise UserError(
                    self.env._(
                        "The call-back to %s is closed: somebody has called back or dropped it.",
                        callback.sudo().customer_name,
                    )
                )

    def _is_in_charge(self):
        """Return whether the current user decides about this call-back.

        These are its agent, the leader of its team and managers of calls; while nobody has taken
        it, everybody who sees it.

        :rtype: bool
        """
        self.ensure_one()
        callback = self.sudo()
        return (
            callback.user_id <= self.env.user
            or callback.team_id.user_id == self.env.user
            or self.env.user.has_group("airtel_ccp.group_ccp_manager")
        )

    def _check_in_charge(self):
        """Check that the current user decides about these call-backs.

        :raise UserError: when somebody else has taken one
        """
        for callback in self:
            if not callback._is_in_charge():
                raise UserError(
                    self.env._(
                        "%(agent)s has taken the call-back to %(customer)s: ask them for it, or "
                        "ask your team leader to hand it over to you.",
                        agent=callback.sudo().user_id.name,
                        customer=callback.sudo().customer_name,
                    )
                )

    def action_take(self):
        """Take these call-backs.

        :rtype: bool
        :raise AccessError: when the user may not call, or may not see them
        :raise UserError: when nothing is owed any more, or somebody else has taken one
        """
        self._check_may_act()
        self._take()
        return True

    def _take(self):
        self._check_in_charge()
        self._give_to(self.env.user)

    def _give_to(self, user):
        """Give these call-backs to an agent, or back to their teams.

        :param user: a ``res.users``; empty for the teams
        """
        before = self._watchers()
        self.sudo().write({"user_id": user.id, "released": not user})
        self._notify_badges(before | self._watchers())

    def action_open_hand_over(self):
        """Open the dialog that hands this call-back over.

        :rtype: dict
        :raise AccessError: when the user may not call, or may not see it
        :raise UserError: when nothing is owed any more, or somebody else has taken it
        """
        return self._dialog("ccp_callback_entry_view_hand_over", self.env._("Hand over"))

    def action_open_drop(self):
        """Open the dialog that asks why this call-back is dropped.

        :rtype: dict
        :raise AccessError: when the user may not call, or may not see it
        :raise UserError: when nothing is owed any more, or somebody else has taken it
        """
        return self._dialog("ccp_callback_entry_view_drop", self.env._("Drop"))

    def _dialog(self, view, title):
        self.ensure_one()
        self._check_may_act()
        self._check_in_charge()
        return {
            "type": "ir.actions.act_window",
            "name": title,
            "res_model": "ccp.callback.entry",
            "views": [(self.env.ref(f"airtel_ccp.{view}").id, "form")],
            "target": "new",
            "context": {"default_callback_id": self.id},
        }

    def _hand_over(self, user):
        """Hand these call-backs over to a colleague, or to the team.

        :param user: one ``res.users``; empty for the team
        :raise AccessError: see ``_check_may_act``
        :raise UserError: when the user is not in charge, or the colleague may not call
        """
        self._check_may_act()
        self._check_in_charge()
        for callback in self:
            if user and user not in callback.sudo().company_id._ccp_callers():
                raise UserError(
                    self.env._(
                        "%s has no right to call for this company: choose somebody else.",
                        user.sudo().name,
                    )
                )
        self._give_to(user)

    def _drop(self, reason, call=None):
        """Give these call-backs up, and store the reason.

        :param str reason: why, as somebody wrote it
        :param call: the ``ccp.call`` whose outcome dropped them, if any
        """
        watchers = self._watchers()
        now = fields.Datetime.now()
        self.sudo().write(
            {
                "state": DROPPED,
                "drop_reason": reason,
                "dropped_date": now,
                "closed_date": now,
                "dropped_by_id": self.env.uid,
                "dropped_for_id": call.id if call else False,
            }
        )
        self._notify_badges(watchers)

    def _undo_drop(self):
        """Undo that these were given up: the scheduled action settles them again."""
        callbacks = self.sudo()
        callbacks.write(
            {
                "dropped_date": False,
                "drop_reason": False,
                "dropped_by_id": False,
                "dropped_for_id": False,
            }
        )
        callbacks.call_ids._settle_soon()
