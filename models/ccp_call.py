import functools
from datetime import timezone

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.fields import Domain

from ..ccp.call import states
from ..ccp.safe import number
from .contention import take_turns
from .guarded_fields import GuardedFields
from .system_made import SystemMade
from .utils import RELOAD, notice, time_zone

SILENT_BATCH = 200
# The last ten digits, because reports and people write the same number in several ways
CUSTOMER_KEY = r"right(regexp_replace(customer_number, '\D', '', 'g'), 10)"


class CcpCall(GuardedFields, SystemMade, models.Model):
    """One phone call between an agent and a customer, and what Airtel reported of it.

    This file holds the fields; what is done with them is in the files ``ccp_call_<subject>.py``.

    No user has the right to write a call: methods check the user, then write as superuser. Calls
    are created by a click, by logging a call by hand, and by the import of past calls. They are
    changed by Airtel's answer and reports, the panel and the dialogs (outcome, note, follow-up,
    record), the measures, the recording, retention and erasure.
    """

    _name = "ccp.call"
    _description = "Airtel Call"
    _order = "id desc"
    _rec_name = "customer_name"

    # Who called whom, and about which record
    res_model = fields.Char("Record's model", readonly=True)
    res_id = fields.Many2oneReference("Record", model_field="res_model", readonly=True)
    customer_name = fields.Char("Customer", readonly=True)
    partner_id = fields.Many2one(
        "res.partner", "Contact", readonly=True, index="btree_not_null", ondelete="set null"
    )
    commercial_partner_id = fields.Many2one(
        "res.partner",
        "Customer's company",
        related="partner_id.commercial_partner_id",
    )
    # Empty only for imported calls
    user_id = fields.Many2one("res.users", "Agent", readonly=True, ondelete="restrict")
    company_id = fields.Many2one(
        "res.company", readonly=True, required=True, index=True, ondelete="cascade"
    )
    lead_id = fields.Many2one(
        "crm.lead", readonly=True, index="btree_not_null", ondelete="set null"
    )
    team_id = fields.Many2one(
        "crm.team",
        "Sales team",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
        help="The team for which the agent called, as it was on that day.",
    )
    flow_id = fields.Many2one("ccp.call.flow", "Call flow", readonly=True, ondelete="restrict")
    direction = fields.Selection(
        [("outbound", "Outgoing"), ("inbound", "Incoming")],
        readonly=True,
        required=True,
        default="outbound",
    )
    agent_number = fields.Char("Agent's phone", readonly=True)
    customer_number = fields.Char("Customer's phone", readonly=True, index=True)
    caller_number = fields.Char("Caller number", readonly=True)
    correlation_id = fields.Char("Airtel's correlation id", readonly=True, index="btree_not_null")
    session_id = fields.Char("Airtel's session id", readonly=True, index="btree_not_null")

    # What happened, as Airtel reported it
    state = fields.Selection(
        [
            ("queued", "Being sent"),
            ("refused", "Not placed"),
            ("unknown", "Not confirmed"),
            ("ringing_agent", "Agent's phone rings"),
            ("ringing_customer", "Customer's phone rings"),
            ("in_call", "In call"),
            ("ended", "Ended"),
        ],
        readonly=True,
        required=True,
        default="queued",
    )
    result = fields.Selection(
        [
            ("connected", "Connected"),
            ("agent_no_answer", "Agent did not pick up"),
            ("agent_busy", "Agent was busy"),
            ("agent_unreachable", "Agent could not be reached"),
            ("customer_no_answer", "Customer did not pick up"),
            ("customer_busy", "Customer was busy"),
            ("customer_unreachable", "Customer could not be reached"),
            ("customer_rejected", "Customer rejected the call"),
            ("canceled", "Agent hung up first"),
            ("abandoned", "Customer hung up before an agent picked up"),
            ("failed", "Failed"),
            ("no_report", "No report from Airtel"),
        ],
        readonly=True,
    )
    refusal = fields.Char("Why it was not placed", readonly=True)
    refusal_code = fields.Char("Airtel's error code", readonly=True)
    start_date = fields.Datetime(
        "Started", readonly=True, required=True, default=fields.Datetime.now
    )
    agent_answer_date = fields.Datetime("Agent picked up", readonly=True)
    answer_date = fields.Datetime("Customer picked up", readonly=True)
    end_date = fields.Datetime("Ended at", readonly=True)
    talk_seconds = fields.Integer("Talk time (seconds)", readonly=True, aggregator="sum")
    talk_unknown = fields.Boolean(
        "Talk time unknown",
        readonly=True,
        help="The call connected, but no report says how long it lasted.",
    )
    agent_ring_seconds = fields.Integer(
        "Agent ring time (seconds)", readonly=True, aggregator="avg"
    )
    customer_ring_seconds = fields.Integer(
        "Customer ring time (seconds)", readonly=True, aggregator="avg"
    )
    agent_cause = fields.Char("Why the agent's line ended", readonly=True)
    agent_operator = fields.Char("Agent's operator", readonly=True)
    agent_circle = fields.Char("Agent's circle", readonly=True)
    customer_cause = fields.Char("Why the customer's line ended", readonly=True)
    customer_operator = fields.Char("Customer's operator", readonly=True)
    customer_circle = fields.Char("Customer's circle", readonly=True)
    hung_up_by = fields.Selection(
        [("agent", "Agent"), ("customer", "Customer"), ("system", "Airtel")],
        "Hung up by",
        readonly=True,
    )
    pulses = fields.Integer(readonly=True, aggregator="sum")

    # Measures for reports; docs/measures.md explains each
    attempts = fields.Integer(
        compute="_compute_attempts",
        store=True,
        precompute=True,
        aggregator="sum",
        help="Outgoing calls that were placed, also by hand; not those that were refused.",
    )
    reached = fields.Integer(
        compute="_compute_attempts",
        store=True,
        precompute=True,
        aggregator="sum",
        help="Attempts in which agent and customer talked.",
    )
    agent_failures = fields.Integer(
        "Missed by agent",
        compute="_compute_attempts",
        store=True,
        precompute=True,
        aggregator="sum",
        help="Attempts that the agent missed, or ended before the customer picked up.",
    )
    connect_rate = fields.Float(
        "Connect rate (%)",
        digits=(5, 1),
        compute="_compute_rates",
        store=True,
        precompute=True,
        aggregator="avg",
        help="Share of ended attempts that reached the customer.",
    )
    customer_connect_rate = fields.Float(
        "Customer connect rate (%)",
        digits=(5, 1),
        compute="_compute_rates",
        store=True,
        precompute=True,
        aggregator="avg",
        help="Share of ended attempts that reached the customer, without those that the agent "
        "missed.",
    )
    average_talk_seconds = fields.Float(
        "Average talk time (seconds)",
        digits=(16, 1),
        compute="_compute_rates",
        store=True,
        precompute=True,
        aggregator="avg",
        help="Talk time of calls that connected.",
    )
    attempts_until_reached = fields.Integer(
        "Attempts until reached",
        readonly=True,
        aggregator="avg",
        help="Attempts to a customer's number until it was reached, the last one included.",
    )
    first_dial = fields.Boolean("Lead's first attempt", readonly=True)
    first_connect = fields.Boolean("Lead reached for the first time", readonly=True)
    speed_to_dial = fields.Float(
        "Speed to dial (seconds)",
        digits=(16, 0),
        readonly=True,
        aggregator="avg",
        help="From the moment a lead was created or assigned to its first attempt.",
    )
    speed_to_connect = fields.Float(
        "Speed to connect (seconds)",
        digits=(16, 0),
        readonly=True,
        aggregator="avg",
        help="From the moment a lead was created or assigned until it was reached first.",
    )
    # Not read-only: a caller may pass it to create(), which saves reading the company
    currency_id = fields.Many2one(
        "res.currency",
        compute="_compute_currency_id",
        store=True,
        precompute=True,
        readonly=False,
    )
    cost = fields.Monetary(
        compute="_compute_cost",
        store=True,
        precompute=True,
        help="Pulses at the price that the company paid when Airtel reported them.",
    )
    # Not read-only: a caller may pass them to create(), which saves reading the agent
    start_hour = fields.Selection(
        [(f"{hour:02d}", f"{hour:02d}:00") for hour in range(24)],
        "Hour",
        compute="_compute_start_hour",
        store=True,
        precompute=True,
        readonly=False,
        help="In the agent's time zone, as it was when the call was placed.",
    )
    start_weekday = fields.Selection(
        [
            ("1", "Monday"),
            ("2", "Tuesday"),
            ("3", "Wednesday"),
            ("4", "Thursday"),
            ("5", "Friday"),
            ("6", "Saturday"),
            ("7", "Sunday"),
        ],
        "Weekday",
        compute="_compute_start_hour",
        store=True,
        precompute=True,
        readonly=False,
        help="In the agent's time zone, as it was when the call was placed.",
    )
    measured = fields.Boolean(
        "Its place among other calls is counted",
        compute="_compute_measured",
        store=True,
        precompute=True,
        groups=fields.NO_ACCESS,
    )

    # Its recording
    recording_state = fields.Selection(
        [
            ("none", "Not recorded"),
            ("pending", "Being prepared"),
            ("at_airtel", "At Airtel"),
            ("stored", "Ready"),
            ("missing", "Not delivered by Airtel"),
            ("deleted", "Deleted by retention"),
            ("erased", "Erased on request"),
        ],
        "Recording",
        readonly=True,
        required=True,
        default="none",
    )
    recorded = fields.Boolean(
        "To be recorded",
        compute="_compute_recorded",
        store=True,
        precompute=True,
        readonly=False,
        help="Airtel was asked to record this call.",
    )
    recording_announced = fields.Boolean(
        "Recording announced",
        readonly=True,
        help="The call flow says to both that the call is recorded.",
    )
    recording_error = fields.Char("Why there is no recording yet", readonly=True)
    recording_id = fields.Many2one(
        "ir.attachment", "Recording file", readonly=True, ondelete="set null"
    )
    recording_file = fields.Binary(readonly=True, attachment=True, groups=fields.NO_ACCESS)
    recording_url = fields.Char(readonly=True, copy=False, groups=fields.NO_ACCESS)
    recording_tries = fields.Integer(readonly=True, groups=fields.NO_ACCESS)
    recording_next_date = fields.Datetime(readonly=True, groups=fields.NO_ACCESS)
    # Waited for since, leased until, last tried, and why it failed
    recording_asked_date = fields.Datetime(readonly=True, copy=False, groups=fields.NO_ACCESS)
    recording_lease_date = fields.Datetime(readonly=True, copy=False, groups=fields.NO_ACCESS)
    recording_tried_date = fields.Datetime(readonly=True, copy=False, groups=fields.NO_ACCESS)
    recording_reason = fields.Char(readonly=True, copy=False, groups=fields.NO_ACCESS)
    # When a copy is deleted that is kept only for people who listen now
    recording_expiry = fields.Datetime(readonly=True, copy=False, groups=fields.NO_ACCESS)
    listen_ids = fields.One2many(
        "ccp.call.listen",
        "call_id",
        "Listened",
        readonly=True,
        groups="airtel_ccp.group_ccp_team_leader",
    )

    # What people wrote and decided
    outcome_id = fields.Many2one(
        "ccp.call.outcome", readonly=True, index="btree_not_null", ondelete="restrict"
    )
    note = fields.Text(readonly=True)
    keep_forever = fields.Boolean("Keep forever", readonly=True)

    # Kinds of calls, and which of its data were deleted
    reports_deleted = fields.Boolean("Its reports were deleted", readonly=True)
    erased = fields.Boolean("Erased on request", readonly=True)
    manual = fields.Boolean("Logged by hand", readonly=True)
    imported = fields.Boolean(
        readonly=True,
        help="A past call, imported from Airtel's records. It appears in the history and its "
        "figures only, and does not count as an attempt.",
    )
    trial = fields.Boolean(
        readonly=True, help="Placed at the sandbox: it rang nobody, and no figure counts it."
    )
    dismissed = fields.Boolean("Closed in the panel", readonly=True)
    activity_done = fields.Boolean("Its planned activity was looked for", readonly=True)
    overridden = fields.Text("Overridden house rules", readonly=True)
    override_reason = fields.Char("Reason for overriding", readonly=True)

    # Linked records
    list_item_id = fields.Many2one(
        "ccp.call.list.item",
        "Call list entry",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )
    event_ids = fields.One2many("ccp.call.event", "call_id", "Reports", readonly=True)
    request_ids = fields.One2many(
        "ccp.request.log", "call_id", "Requests", readonly=True, groups="base.group_system"
    )
    card_message_ids = fields.Many2many(
        "mail.message",
        "ccp_call_card_message_rel",
        "call_id",
        "message_id",
        "Chatter cards",
        readonly=True,
        groups=fields.NO_ACCESS,
    )
    noted_lines = fields.Json("Lines that have a note", readonly=True, groups=fields.NO_ACCESS)

    # Waiting for reports, and the address that receives them
    live = fields.Boolean("Holds the agent's line", readonly=True, default=True)
    deadline = fields.Datetime("Waits for reports until", readonly=True)
    request_outcome = fields.Selection(
        [
            ("queued", "Being sent"),
            ("accepted", "Accepted"),
            ("refused", "Refused"),
            ("unknown", "No answer"),
        ],
        "Airtel's answer",
        readonly=True,
        required=True,
        default="queued",
    )
    closed_date = fields.Datetime("Closed without a report", readonly=True)
    fold_error = fields.Char("Error in the reports", readonly=True, groups="base.group_system")
    fold_retry_date = fields.Datetime(readonly=True, groups="base.group_system")
    token_digest = fields.Char(readonly=True, copy=False, groups=fields.NO_ACCESS)
    header_digest = fields.Char(readonly=True, copy=False, groups=fields.NO_ACCESS)

    # Outgoing only: a second incoming call must not make a fold fail
    _live_agent_uniq = models.UniqueIndex(
        "(user_id) WHERE live IS TRUE AND direction = 'outbound'",
        "This user is already in a call.",
    )
    # Written exactly as the ORM writes `live = True`: PostgreSQL 16 does not use the index for
    # another spelling of the condition
    _live_idx = models.Index("(user_id) WHERE live IS TRUE")
    _token_digest_uniq = models.UniqueIndex("(token_digest) WHERE token_digest IS NOT NULL")
    _record_idx = models.Index("(res_model, res_id)")
    # In the order of the lists: PostgreSQL reads a page from one end of the index. The second one
    # includes the company, which the record rules compare, so counting an agent's calls needs only
    # the index
    _page_idx = models.Index("(start_date, id)")
    _agent_page_idx = models.Index("(user_id, start_date, id) INCLUDE (company_id)")
    _deadline_idx = models.Index("(deadline) WHERE deadline IS NOT NULL")
    _activity_due_idx = models.Index(
        "(end_date) WHERE result = 'connected' AND activity_done IS NOT TRUE"
    )
    _recording_due_idx = models.Index("(recording_next_date) WHERE recording_next_date IS NOT NULL")
    _recording_asked_idx = models.Index(
        "(recording_asked_date) WHERE recording_asked_date IS NOT NULL"
    )
    _recording_expiry_idx = models.Index("(recording_expiry) WHERE recording_expiry IS NOT NULL")
    _recording_pending_idx = models.Index("(end_date) WHERE recording_state = 'pending'")
    _unmeasured_idx = models.Index("(id) WHERE measured IS NOT TRUE")
    _customer_key_idx = models.Index(f"(company_id, {CUSTOMER_KEY})")

    @api.depends("state", "result", "direction", "trial", "imported")
    def _compute_attempts(self):
        for call in self:
            counts = not call.trial and not call.imported
            attempt = counts and call.state != "refused" and call.direction == "outbound"
            call.attempts = int(attempt)
            call.reached = int(attempt and call.result == "connected")
            call.agent_failures = int(attempt and call.result in states.MISSED_BY_AGENT)

    @api.depends("attempts", "reached", "talk_seconds", "result")
    def _compute_rates(self):
        for call in self:
            call.connect_rate = call.customer_connect_rate = 100 * call.reached
            connected = call.result == "connected"
            call.average_talk_seconds = call.talk_seconds if connected else 0

    @api.depends("company_id.currency_id")
    def _compute_currency_id(self):
        for call in self:
            call.currency_id = call.company_id.currency_id

    # Today's price must not change the cost of past calls: no dependency on it
    @api.depends("pulses", "trial", "imported")
    def _compute_cost(self):
        for call in self:
            # What an imported call cost is unknown
            is_billed = call.pulses and not call.trial and not call.imported
            call.cost = call.pulses * call.company_id.sudo().ccp_pulse_price if is_billed else 0

    @api.depends("start_date")
    def _compute_start_hour(self):
        for call in self:
            call.update(self._start_values(call.start_date, call.user_id))

    @api.model
    def _start_values(self, moment, user):
        """Return hour and weekday of a moment in a user's time zone.

        :param datetime.datetime moment: naive UTC
        :param user: the agent, a ``res.users``
        :rtype: dict
        """
        zone = time_zone(user.sudo().tz)
        local = moment.replace(tzinfo=timezone.utc).astimezone(zone)
        return {"start_hour": f"{local.hour:02d}", "start_weekday": str(local.isoweekday())}

    @api.depends("attempts", "reached", "result", "start_date", "customer_number", "lead_id")
    def _compute_measured(self):
        self.measured = False

    @api.depends("customer_name", "customer_number", "direction")
    @api.depends_context("lang", "uid", "allowed_company_ids")
    def _compute_display_name(self):
        # Odoo shows the name of a linked record to everybody who sees the link, such as an
        # administrator who reads the log of requests
        own_rights = self.sudo(False)
        readable = set(own_rights._filtered_access("read")._ids)
        for call in self:
            if call.id and call.id not in readable:
                call.display_name = self.env._("Call %s", call.id)
                continue
            customer = call.customer_name or number.mask(call.customer_number or "")
            call.display_name = (
                self.env._("Call from %s", customer)
                if call.direction == "inbound"
                else self.env._("Call to %s", customer)
            )

    @api.model
    def _after_incoming(self, calls):
        """Act on incoming calls about which something new is known; other files extend it.

        It runs in the second step of a fold, after cards and browsers are updated, and again if it
        fails.

        :param calls: ``ccp.call`` records, as superuser
        """

    def action_fold_again(self):
        """Derive these calls again from their stored reports.

        :return: an action that shows how many
        :rtype: dict
        :raise AccessError: when the user is no administrator
        """
        self.check_access("read")
        if not self.env.user.has_group("base.group_system"):
            raise AccessError(
                self.env._("Only an administrator may recompute calls from their reports.")
            )
        return self._fold_again_with_notice()

    def _fold_again_with_notice(self):
        """Derive these calls again, and return a notification of how many.

        :rtype: dict
        """
        folded, left = self._fold_again()
        failed = len(self.sudo().filtered("fold_error"))
        sentences = [self.env._("Calls recomputed from their reports: %s.", folded)]
        if left:
            sentences.append(self.env._("Left unchanged, because they have no reports: %s.", left))
        if failed:
            sentences.append(
                self.env._(
                    "Still in error: %s. Report this to the developers of this addon.", failed
                )
            )
        return notice(" ".join(sentences), "warning" if failed else "success", then=RELOAD)

    def action_close(self):
        """End a call that Airtel never reported as over, which frees the agent.

        A late report still corrects the call.

        :rtype: bool
        :raise AccessError: when the call is not the user's own
        """
        self.check_access("read")
        own = self.filtered(lambda call: call.user_id == self.env.user)
        own.sudo()._close()
        return True

    def _close(self):
        """Stop waiting for reports; the ones that arrived decide the result."""
        waiting = self.filtered(lambda call: call.state in states.LIVE_STATES)
        waiting._fold(closing=True)

    def action_refresh(self):
        """Fold reports that arrived but are not folded yet, when a form or panel opens.

        :rtype: bool
        :raise AccessError: when the user may not read the calls
        """
        self.check_access("read")
        live = self.sudo().filtered("live")
        live.filtered(lambda call: call._has_unfolded_reports())._fold_free()
        return True

    @api.model
    def _cron_end_silent_calls(self):
        """End calls whose deadline passed without a report that ends them."""
        now = fields.Datetime.now()
        # Calls that cannot be derived are tried again later, so each run does not find them first
        due = (
            Domain("deadline", "<=", now)
            & Domain("state", "in", states.LIVE_STATES)
            & (Domain("fold_retry_date", "=", False) | Domain("fold_retry_date", "<=", now))
        )

        def end_some(is_patient=True):
            calls = self.search(due, limit=SILENT_BATCH)
            locked = calls.try_lock_for_update(allow_referencing=True)
            locked._fold(closing=True, is_patient=is_patient)
            return len(locked), self.search_count(due)

        around = functools.partial(end_some, is_patient=False)
        take_turns(self, end_some, "airtel_ccp.ir_cron_end_silent_calls", around=around)
