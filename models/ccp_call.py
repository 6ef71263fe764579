import dataclasses
from collections import defaultdict
from datetime import timezone

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain
from odoo.tools import SQL, format_duration

from ..ccp import const, number
from .base import doubt_question
from .contention import take_turns
from .utils import time_zone

# Fewer digits than these would find half of all calls
MIN_SEARCH_DIGITS = 4
# With these a spreadsheet takes a text for a formula
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
SILENT_BATCH = 200
LIVE_STATES = ("queued", "unknown", "ringing_agent", "ringing_customer", "in_call")
AGENT_FAILURES = ("agent_no_answer", "agent_busy", "agent_unreachable", "canceled")
# The last ten digits: reports and people write the same number in several ways
CUSTOMER_KEY = r"right(regexp_replace(customer_number, '\D', '', 'g'), 10)"


class CcpCall(models.Model):
    """One call that an agent placed on a record, and what Airtel's reports made of it.

    Nobody writes here by hand: ``ccp.dialer`` makes the row, ``ccp.folder`` derives everything
    that Airtel reports, ``ccp.recording`` fetches the sound.
    """

    _name = "ccp.call"
    _description = "Airtel Call"
    _order = "id desc"
    _rec_name = "customer_name"

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
    # Only calls of the past that were imported may have none
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
    phone_search = fields.Char(
        "Number", compute="_compute_phone_search", search="_search_phone_search"
    )
    caller_number = fields.Char("Caller number", readonly=True)
    correlation_id = fields.Char("Airtel's correlation id", readonly=True, index="btree_not_null")
    session_id = fields.Char("Airtel's session id", readonly=True, index="btree_not_null")

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
        help="The call connected, and no report tells how long it was.",
    )
    talk_time = fields.Char("Talk time", compute="_compute_talk_time")
    agent_ring_seconds = fields.Integer("Agent rang (seconds)", readonly=True, aggregator="avg")
    customer_ring_seconds = fields.Integer(
        "Customer rang (seconds)", readonly=True, aggregator="avg"
    )
    agent_ring_time = fields.Char("Agent's phone rang", compute="_compute_ring_times")
    customer_ring_time = fields.Char("Customer's phone rang", compute="_compute_ring_times")
    total_time = fields.Char(
        "Whole call", compute="_compute_total_time", help="From the click on Call to the end."
    )
    agent_cause = fields.Char("Why the agent's line ended", readonly=True)
    agent_operator = fields.Char("Agent's operator", readonly=True)
    agent_circle = fields.Char("Agent's circle", readonly=True)
    customer_cause = fields.Char("Why the customer's line ended", readonly=True)
    customer_operator = fields.Char("Customer's operator", readonly=True)
    customer_circle = fields.Char("Customer's circle", readonly=True)
    pulses = fields.Integer(readonly=True, aggregator="sum")
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
        help="Reached, of a hundred attempts that ended.",
    )
    customer_connect_rate = fields.Float(
        "Customer connect rate (%)",
        digits=(5, 1),
        compute="_compute_rates",
        store=True,
        precompute=True,
        aggregator="avg",
        help="Reached, of a hundred attempts that ended and that the agent did not miss.",
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
        "Attempts till reached",
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
    # Not read-only, so that it may be given when a call is made, which saves reading the company
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
    # Not read-only, so that they may be given when a call is made, which saves reading the agent
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
    hung_up_by = fields.Selection(
        [("agent", "Agent"), ("customer", "Customer"), ("system", "Airtel")],
        "Hung up by",
        readonly=True,
    )
    recording_state = fields.Selection(
        [
            ("none", "Not recorded"),
            ("pending", "Being prepared"),
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
        help="The call flow told both that the call is recorded.",
    )
    recording_error = fields.Char("Why there is no recording yet", readonly=True)
    recording_id = fields.Many2one(
        "ir.attachment", "Recording file", readonly=True, ondelete="set null"
    )
    recording_file = fields.Binary(readonly=True, attachment=True, groups=fields.NO_ACCESS)
    listen_ids = fields.One2many(
        "ccp.call.listen",
        "call_id",
        "Listened",
        readonly=True,
        groups="airtel_ccp.group_ccp_team_leader",
    )
    outcome_id = fields.Many2one(
        "ccp.call.outcome", readonly=True, index="btree_not_null", ondelete="restrict"
    )
    note = fields.Text(readonly=True)
    keep_forever = fields.Boolean("Keep forever", readonly=True)
    reports_deleted = fields.Boolean("Its reports were deleted", readonly=True)
    erased = fields.Boolean("Erased on request", readonly=True)
    manual = fields.Boolean("Logged by hand", readonly=True)
    imported = fields.Boolean(
        readonly=True,
        help="A call of the past, taken from Airtel's records: it is in the history and its "
        "figures only, and does not count as an attempt.",
    )
    trial = fields.Boolean(
        readonly=True, help="Placed at the sandbox: it rang nobody, and counts nowhere."
    )
    dismissed = fields.Boolean("Put away from the panel", readonly=True)
    activity_done = fields.Boolean("Its planned activity was looked for", readonly=True)
    overridden = fields.Text("House rules that were overridden", readonly=True)
    override_reason = fields.Char("Why it was placed all the same", readonly=True)
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
    timeline_html = fields.Html("Timeline", compute="_compute_timeline_html", sanitize=False)
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
    recording_url = fields.Char(readonly=True, copy=False, groups=fields.NO_ACCESS)
    recording_tries = fields.Integer(readonly=True, groups=fields.NO_ACCESS)
    recording_next_date = fields.Datetime(readonly=True, groups=fields.NO_ACCESS)

    # In Odoo's own words for a true field: PostgreSQL 16 does not see that another's are the same
    _live_agent_uniq = models.UniqueIndex(
        "(user_id) WHERE live IS TRUE",
        "This user is already in a call.",
    )
    _token_digest_uniq = models.UniqueIndex("(token_digest) WHERE token_digest IS NOT NULL")
    _record_idx = models.Index("(res_model, res_id)")
    # In the order of the lists, of which a page is then read from one end; with the companies,
    # which the record rules ask for, so that an agent's calls are counted from the index alone
    _page_idx = models.Index("(start_date, id)")
    _agent_page_idx = models.Index("(user_id, start_date, id) INCLUDE (company_id)")
    # A number is found by its last digits; reversed, those are a prefix that an index can find.
    # None of them is partial: of an index without rows the planner knows nothing, and would send
    # several processes for second numbers that nobody has
    _agent_suffix_idx = models.Index("(reverse(agent_number) text_pattern_ops)")
    _agent_second_suffix_idx = models.Index("(reverse(agent_second_number) text_pattern_ops)")
    _customer_suffix_idx = models.Index("(reverse(customer_number) text_pattern_ops)")
    _customer_second_suffix_idx = models.Index("(reverse(customer_second_number) text_pattern_ops)")
    _deadline_idx = models.Index("(deadline) WHERE deadline IS NOT NULL")
    _activity_due_idx = models.Index(
        "(end_date) WHERE result = 'connected' AND activity_done IS NOT TRUE"
    )
    _recording_due_idx = models.Index("(recording_next_date) WHERE recording_next_date IS NOT NULL")
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
            call.agent_failures = int(attempt and call.result in AGENT_FAILURES)

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

    # Neither the price nor the time zone of another day may change what was: no dependency on them
    @api.depends("pulses", "trial", "imported")
    def _compute_cost(self):
        for call in self:
            # What an imported call cost on its day, nobody says
            is_billed = call.pulses and not call.trial and not call.imported
            call.cost = call.pulses * call.company_id.sudo().ccp_pulse_price if is_billed else 0

    @api.depends("start_date")
    def _compute_start_hour(self):
        for call in self:
            call.update(self._start_values(call.start_date, call.user_id))

    @api.model
    def _start_values(self, moment, user):
        """Return hour and weekday of a moment where a user lives.

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

    @api.depends("flow_id")
    def _compute_recorded(self):
        for call in self:
            call.recorded = bool(call.flow_id) and call.flow_id._is_recorded()

    @api.depends("talk_seconds", "talk_unknown", "result")
    @api.depends_context("lang")
    def _compute_talk_time(self):
        self._set_times("talk_time", self.mapped("talk_seconds"))
        connected = self.filtered(lambda call: call.result == "connected" and not call.talk_seconds)
        for call in connected:
            call.talk_time = self.env._("Unknown") if call.talk_unknown else self._format_seconds(0)

    @api.depends("agent_ring_seconds", "customer_ring_seconds")
    @api.depends_context("lang")
    def _compute_ring_times(self):
        self._set_times("agent_ring_time", self.mapped("agent_ring_seconds"))
        self._set_times("customer_ring_time", self.mapped("customer_ring_seconds"))

    @api.depends("start_date", "end_date")
    @api.depends_context("lang")
    def _compute_total_time(self):
        self._set_times(
            "total_time",
            [
                max(0, round((call.end_date - call.start_date).total_seconds()))
                if call.end_date
                else 0
                for call in self
            ],
        )

    def _set_times(self, field_name, durations):
        """Write durations to be read by people; nothing where there is none.

        Calls of the same duration together: that costs a list a fraction of one after the other.

        :param str field_name: the field to write
        :param list[int] durations: seconds, one for each call
        """
        ids = defaultdict(list)
        for call_id, seconds in zip(self._ids, durations, strict=True):
            ids[seconds].append(call_id)
        for seconds, call_ids in ids.items():
            text = self._format_seconds(seconds) if seconds else ""
            self.browse(call_ids)[field_name] = text

    @api.depends("customer_number")
    def _compute_phone_search(self):
        for call in self:
            call.phone_search = call.customer_number

    def _search_phone_search(self, operator, value):
        """Find calls by a number in any spelling, or by its last digits.

        The text comes from whoever searches: only its digits reach the query, and a text with
        fewer than four finds nothing.
        """
        if operator not in ("=", "in", "like", "ilike", "=like", "=ilike"):
            return NotImplemented
        texts = value if operator == "in" else [value]
        endings = set()
        for text in texts:
            spelled = text if isinstance(text, str) else ""
            endings.update(number.candidates(spelled) or [number.last10(spelled)])
        return Domain.OR(
            self._ending_domain(digits) for digits in endings if len(digits) >= MIN_SEARCH_DIGITS
        )

    @api.model
    def _ending_domain(self, digits):
        """Return the domain of the calls from or to a number that ends with some digits.

        :param str digits: ASCII digits only
        :rtype: odoo.fields.Domain
        """
        columns = (
            "customer_number",
            "customer_second_number",
            "agent_number",
            "agent_second_number",
        )

        def to_sql(model, alias, query):
            # In an array of its own: else the planner, with a list's order and limit, reads all
            # calls by date until a page is full
            return SQL(
                "%s = ANY(ARRAY(SELECT id FROM ccp_call WHERE %s))",
                SQL.identifier(alias, "id"),
                SQL(" OR ").join(
                    [
                        *(
                            SQL("reverse(%s) LIKE %s", SQL.identifier(column), digits[::-1] + "%")
                            for column in columns
                        ),
                        # Few calls have these, and an index knows which
                        *(
                            SQL(
                                "(%(column)s IS NOT NULL AND %(column)s ~ %(ending)s)",
                                column=SQL.identifier(column),
                                ending=f"{digits}( |$)",
                            )
                            for column in ("customer_further_numbers", "agent_further_numbers")
                        ),
                    ]
                ),
            )

        def is_found(call):
            numbers = (*call._customer_numbers(), *call._agent_numbers())
            return any(each.endswith(digits) for each in numbers)

        return Domain.custom(to_sql=to_sql, predicate=is_found)

    @api.depends("event_ids", "state", "result")
    @api.depends_context("lang", "tz")
    def _compute_timeline_html(self):
        for call in self:
            call.timeline_html = self.env["ccp.card"]._timeline_html(call) if call.id else False

    @api.depends("customer_name", "customer_number", "direction")
    @api.depends_context("lang")
    def _compute_display_name(self):
        for call in self:
            customer = call.customer_name or number.mask(call.customer_number or "")
            call.display_name = (
                self.env._("Call from %s", customer)
                if call.direction == "inbound"
                else self.env._("Call to %s", customer)
            )

    @api.readonly
    def web_read(self, specification):
        """Read for the web client, linked records' names with as few columns as they take.

        :param dict specification: see Odoo's method of the same name
        :rtype: list[dict]
        :raise AccessError: when the user may not read the calls
        """
        self._fetch_names(specification)
        return super().web_read(specification)

    def _fetch_names(self, specification):
        """Fetch what the names of linked records are made of, and no more.

        Odoo reads every column of a record whose name it needs; a contact or agent has over sixty.

        :param dict specification: what the web client asks for, see Odoo's ``web_read``
        """
        links = [
            name
            for name, asked in specification.items()
            if name in self._fields
            and self._fields[name].type == "many2one"
            and isinstance(asked, dict)
            and "display_name" in (asked.get("fields") or ())
        ]
        partners = self.env["res.partner"].sudo()
        for name in links:
            if self._fields[name].comodel_name != "res.partner":
                linked = self[name].sudo()._origin
                linked.fetch(["display_name"])
                if linked._name == "res.users":
                    partners |= linked.partner_id
            elif name == "partner_id":
                partners |= self.partner_id.sudo()._origin
        partners.fetch(["display_name", "name", "commercial_partner_id"])
        if "commercial_partner_id" in links:
            partners.commercial_partner_id.fetch(["display_name"])

    @api.model
    def _format_seconds(self, seconds):
        """Return a duration as minutes and seconds, such as ``02:35``, or with hours.

        :param int seconds: the duration
        :rtype: str
        """
        if seconds >= 3600:
            hours, rest = divmod(seconds, 3600)
            return f"{hours}:{rest // 60:02d}:{rest % 60:02d}"
        return format_duration(seconds / 60)

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
        """Return the record that was called, or an empty recordset when it is gone.

        :rtype: odoo.models.BaseModel
        """
        self.ensure_one()
        return self._records()[self]

    def _records(self):
        """Return the record that each of these calls was about, empty where it is gone.

        :return: by call; one query for each model
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

    @api.model
    def place(
        self, res_model, res_id, field_name=None, choice=None, list_item_id=None, options=None
    ):
        """Call a record of any model with a phone field: what the Call button asks for.

        :param str res_model: the record's model
        :param int res_id: the record's id
        :param str | None field_name: the phone field that was clicked; without it all numbers of
            the record, its contact, and that contact's company and people are offered
        :param str | None choice: the ``key`` of the number that the user chose
        :param int | None list_item_id: the entry of the user's call list that this call is for
        :param dict | None options: what else the rep said, see ``ccp_dialer.Options``
        :return: see ``ccp.callable.mixin.action_ccp_call``; or what the rep has to say first:
            ``{"companies": [{"id", "name"}]}`` when the record belongs to none and several can
            call; ``{"choices": [{"key", "owner", "label", "phone"}]}`` when there are several
            numbers and none was chosen, with or without ``{"record": {"default", "announced"}}``
            when the call flow leaves it to the rep whether to record; ``{"doubtful": {"sentence",
            "number"}}`` when the number may be another country's; ``{"override": {"sentence"}}``
            when a house rule speaks against the call and the user may call all the same, with a
            reason
        :rtype: dict
        :raise UserError: when no call was placed
        :raise AccessError: when the user may not call, or may not read the record
        """
        self.env["ccp.panel"]._check_user()
        record = self._ccp_records(res_model, [res_id])
        if record._abstract or type(res_id) is not int:
            raise UserError(self.env._("There is nobody to call: save the record first."))
        item = self.env["ccp.call.list.item"]._of_click(list_item_id, record)
        dialer = self.env["ccp.dialer"]
        options = dialer._read_options(options)
        companies = dialer._companies(record, options)
        if len(companies) > 1:
            return {"companies": [{"id": each.id, "name": each.name} for each in companies]}
        if companies:
            options = dataclasses.replace(options, company_id=companies.id)
        company = dialer._company(record, options)
        choices = [] if choice else record._ccp_number_choices(company, field_name)
        questions = dialer._questions(record, choices, options)
        if questions:
            return questions
        if choices and not field_name:
            choice = choices[0]["key"]
        try:
            return dialer._dial(record, field_name, choice=choice, list_item=item, options=options)
        except UserError as error:
            question = doubt_question(error) or dialer._override_question(error)
            if not question:
                raise
            return question

    def _about(self):
        """Return what the refusal of a call is about.

        :return: a key of ``ccp.const.ABOUT``
        :rtype: str
        """
        self.ensure_one()
        return const.about(self.refusal_code or "", self.request_ids[:1].status)

    def action_open_record(self):
        """Open the record that was called.

        :return: a window action, or a notification when the record is gone
        :rtype: dict
        :raise AccessError: when the user may not read the call or the record
        """
        self.ensure_one()
        self.check_access("read")
        if not self._record():
            return {
                "type": "ir.actions.client",
                "tag": "display_notification",
                "params": {
                    "type": "warning",
                    "message": self.env._("The record that was called does not exist any more."),
                },
            }
        self._check_readable(self._record())
        return {
            "type": "ir.actions.act_window",
            "res_model": self.res_model,
            "res_id": self.res_id,
            "views": [(False, "form")],
        }

    def action_call_again(self):
        """Have the browser call the same record again.

        :rtype: dict
        :raise UserError: when the record is gone
        :raise AccessError: when the user may not read the call or the record
        """
        self.ensure_one()
        self.check_access("read")
        record = self._record()
        if not record:
            raise UserError(self.env._("The record that was called does not exist any more."))
        self._check_readable(record)
        return self.env["ccp.dialer"]._client_action(record)

    def export_data(self, fields_to_export):
        """Return the history for a file, in which no text is taken for a formula.

        Names and numbers come from outside, and a spreadsheet runs a cell that begins with ``=``.

        :param list[str] fields_to_export: see Odoo's method of the same name
        :rtype: dict
        :raise UserError: when the user may not export
        """
        exported = super().export_data(fields_to_export)
        exported["datas"] = [
            [
                f"'{value}"
                if isinstance(value, str) and value.startswith(FORMULA_STARTS)
                else value
                for value in row
            ]
            for row in exported["datas"]
        ]
        return exported

    def action_fold_again(self):
        """Derive these calls anew from their stored reports.

        :return: an action that tells how many
        :rtype: dict
        :raise AccessError: when the user is no administrator
        """
        self.check_access("read")
        if not self.env.user.has_group("base.group_system"):
            raise AccessError(self.env._("Only an administrator repairs calls from their reports."))
        return self._fold_again_and_tell(self)

    @api.model
    def _fold_again_and_tell(self, calls):
        """Fold calls anew, and return a notice of how many.

        :param calls: ``ccp.call`` records
        :rtype: dict
        """
        folded, left = self.env["ccp.folder"]._fold_again(calls)
        failed = len(calls.sudo().filtered("fold_error"))
        sentences = [self.env._("Calls taken up again from their reports: %s.", folded)]
        if left:
            sentences.append(self.env._("Left as they are, for want of reports: %s.", left))
        if failed:
            sentences.append(
                self.env._("Still in error: %s. Tell the developers of this addon.", failed)
            )
        return self._notice(" ".join(sentences), "warning" if failed else "success")

    @api.model
    def _notice(self, message, kind="info"):
        """Return an action that shows one sentence and reads the view again.

        :param str message: the sentence
        :param str kind: ``info``, ``success``, ``warning`` or ``danger``
        :rtype: dict
        """
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": kind,
                "message": message,
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }

    def action_toggle_keep_forever(self):
        """Exempt a call from deletion after its company's periods, or take that back.

        :rtype: bool
        :raise AccessError: when the user is no manager of calls, or may not see the call
        """
        self.check_access("read")
        if not self.env.user.has_group("airtel_ccp.group_ccp_manager"):
            raise AccessError(
                self.env._("Only a manager of your company's calls may keep a call forever.")
            )
        for call in self.sudo().filtered(lambda call: not call.erased):
            call.keep_forever = not call.keep_forever
        return True

    def action_close(self):
        """Say that this call is over although Airtel never reported it; frees the agent.

        A late report still corrects the call.

        :rtype: bool
        :raise AccessError: when the call is not the user's own
        """
        self.check_access("read")
        own = self.filtered(lambda call: call.user_id == self.env.user)
        own.sudo()._close()
        return True

    def _bus_values(self, shown):
        """Return what the agent's browser needs to follow this call.

        :param dict shown: what the panel shows of it, see ``ccp.panel._values``
        :rtype: dict
        """
        self.ensure_one()
        return {
            "panel": shown,
            "id": self.id,
            "state": self.state,
            "result": self.result,
            "res_model": self.res_model,
            "res_id": self.res_id,
            "partner_id": self.partner_id.id,
            "message": self._headline(),
        }

    def _close(self):
        """Stop waiting for reports, and let what arrived decide the result."""
        waiting = self.filtered(lambda call: call.state in LIVE_STATES)
        waiting.closed_date = fields.Datetime.now()
        self.env["ccp.folder"]._fold(waiting)

    def action_refresh(self):
        """Fold reports that arrived but were not looked at yet, for a form or panel that opens.

        :rtype: bool
        :raise AccessError: when the user may not read the calls
        """
        self.check_access("read")
        live = self.sudo().filtered("live")
        self.env["ccp.folder"]._fold_free(live.filtered("event_ids"))
        return True

    @api.model
    def _cron_end_silent_calls(self):
        """End calls whose deadline passed without a report that ends them."""
        due = [("deadline", "<=", fields.Datetime.now()), ("state", "in", LIVE_STATES)]

        def end_some():
            calls = self.search(due, limit=SILENT_BATCH)
            locked = calls.try_lock_for_update(allow_referencing=True)
            locked._close()
            return len(locked), self.search_count(due)

        take_turns(self, end_some, "airtel_ccp.ir_cron_end_silent_calls")
