import re

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import SQL

from ..ccp.airtel import caller_id, const
from ..ccp.safe import address
from .guarded_fields import GuardedFields
from .noted_settings import NotedRecords

CALLER_SERIES = [
    ("promotional", "Promotional (140)"),
    ("service", "Service and transactional (160)"),
    ("government", "Government (1600)"),
    ("finance", "Finance (1601)"),
    ("ordinary", "Ordinary"),
]
_LINE_BREAK = re.compile(rf"[\x00-\x1f\x7f\x85{address.INVISIBLE}]")


class CcpCallFlow(NotedRecords, GuardedFields, models.Model):
    """A call flow configured at Airtel, with every field of the request that runs it.

    The fields are named as in the specification's sections 1.5 to 1.10, where the agent's side is
    the *initiate call component* and the customer's the *add participant component*.
    """

    _name = "ccp.call.flow"
    _description = "Airtel Call Flow"
    _order = "sequence, id"
    _check_company_auto = True

    name = fields.Char(required=True, translate=True)
    active = fields.Boolean(default=True)
    sequence = fields.Integer(default=10)
    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company
    )
    code = fields.Char(
        "Call flow id",
        required=True,
        help="Airtel's callFlowId, exactly as Airtel gave it to you.",
    )
    caller_number = fields.Char(
        "Caller number",
        required=True,
        help="The Airtel number that both phones show: ten digits.",
    )
    caller_series = fields.Selection(
        CALLER_SERIES,
        "Series",
        compute="_compute_caller_series",
        help="140 is for promotional calls, 160 for service and transactional ones (1600 "
        "government, 1601 finance). Nobody can call these numbers back.",
    )
    user_ids = fields.Many2many(
        "res.users",
        "ccp_call_flow_users_rel",
        "flow_id",
        "user_id",
        "Users",
        check_company=True,
        ondelete="restrict",
        domain=[("share", "=", False)],
        help="Who may call with this flow, in addition to the sales teams. If both are empty, "
        "everybody may.",
    )
    team_ids = fields.Many2many(
        "crm.team",
        "ccp_call_flow_team_rel",
        "flow_id",
        "team_id",
        "Sales teams",
        check_company=True,
        ondelete="restrict",
        help="Members and leaders of these teams may call with this flow. If no user is chosen "
        "either, everybody may.",
    )
    calendar_id = fields.Many2one(
        "resource.calendar",
        "Calling hours",
        check_company=True,
        ondelete="restrict",
        help="Calls with this flow can be placed within these hours only, and within the "
        "company's. Leave empty to use only the company's.",
    )
    call_type = fields.Selection(
        [("OUTBOUND", "Outbound"), ("INBOUND", "Inbound")],
        "Call type",
        required=True,
        default="OUTBOUND",
    )
    top_caller_number = fields.Boolean(
        "Caller number for the whole call",
        default=True,
        help="Send the caller number also at the top of the request. Airtel's specification asks "
        "for it, its sample leaves it out: switch it off to send what the sample shows.",
    )
    recording = fields.Boolean(
        "Record calls",
        default=True,
        help="If the agent chooses for each call: what is preselected.",
    )
    recording_mode = fields.Selection(
        [("never", "Never"), ("always", "Always"), ("choice", "The agent chooses for each call")],
        "Recording",
        compute="_compute_recording_mode",
        inverse="_inverse_recording_mode",
        store=True,
        precompute=True,
        required=True,
    )
    recording_policy = fields.Selection(
        related="company_id.ccp_recording_policy", string="Company's recording policy"
    )
    announces_recording = fields.Boolean(
        "Announces the recording",
        help="Switch this on if Airtel set up the flow to announce the recording to both sides. "
        "Each call keeps the value it was placed with.",
    )
    record_component = fields.Char(
        "Record component", required=True, default=const.DEFAULT_RECORD_ID
    )
    event_types = fields.Char(
        "Reports asked for",
        required=True,
        default="CDR, ALL",
        help="Which reports Airtel sends, comma separated: ALL, CALL, MEDIA, DTMF, RECORD, CDR, "
        "API, SUBMITTED, DELIVERED or ERROR.",
    )

    agent_component = fields.Char(
        "Agent's component", required=True, default=const.DEFAULT_INITIATE_ID
    )
    agent_strategy = fields.Selection(
        [
            ("SEQUENTIAL", "One after the other"),
            ("PARALLEL", "All at once"),
            ("CONFERENCE", "Conference"),
            ("ROUND_ROBIN", "An agent pool, in turn"),
        ],
        "Agent's merging strategy",
        required=True,
        default="SEQUENTIAL",
    )
    agent_name = fields.Char("Agent's name in reports", required=True, default="A")
    agent_retries = fields.Integer("Agent's retries", default=1)
    agent_time = fields.Integer(
        "Agent's maximum time (seconds)",
        help="How long Airtel tries to reach the agent. Zero means no limit.",
    )
    agent_component_time = fields.Integer(
        "Agent component's maximum time (seconds)", help="Zero means no limit."
    )

    customer_component = fields.Char(
        "Customer's component", required=True, default=const.DEFAULT_ADD_ID
    )
    customer_strategy = fields.Selection(
        [("SEQUENTIAL", "One after the other"), ("PARALLEL", "All at once")],
        "Customer's merging strategy",
        required=True,
        default="SEQUENTIAL",
    )
    customer_name = fields.Char("Customer's name in reports", required=True, default="B")
    customer_retries = fields.Integer("Customer's retries", default=1)
    customer_time = fields.Integer(
        "Customer's maximum time (seconds)",
        help="How long Airtel tries to reach the customer. Zero means no limit.",
    )
    customer_component_time = fields.Integer(
        "Customer component's maximum time (seconds)", help="Zero means no limit."
    )
    customer_component_caller_number = fields.Boolean(
        "Caller number on the customer's component",
        default=True,
        help="Send the caller number also in the customer's component, and in further ones that "
        "add participants. Airtel's specification asks for it, its sample leaves it out: switch it "
        "off to send what the sample shows.",
    )
    second_agent_phone = fields.Boolean(
        "Agent's further phones",
        help="Also ring the agent's second and further phones, one after the other or all at "
        "once, as set in the merging strategy.",
    )
    second_customer_phone = fields.Boolean(
        "Customer's further numbers",
        help="If the field that was clicked contains several numbers, ring the others too.",
    )
    early_media = fields.Boolean(
        "Early media",
        default=True,
        help="Let the agent hear the network's own announcements while Airtel calls the customer.",
    )

    trial = fields.Boolean(
        "For trials", readonly=True, copy=False, help="Runs at the sandbox, not at Airtel."
    )

    _code_company_uniq = models.UniqueIndex(
        "(company_id, code, caller_number) WHERE active",
        "This company already has a call flow with this id and caller number.",
    )
    _retries_range = models.Constraint(
        "CHECK(agent_retries BETWEEN 0 AND 3 AND customer_retries BETWEEN 0 AND 3)",
        "Airtel allows at most three retries.",
    )
    _times_positive = models.Constraint(
        "CHECK(agent_time >= 0 AND customer_time >= 0 AND agent_component_time >= 0"
        " AND customer_component_time >= 0)",
        "Times are seconds, and zero means no limit.",
    )

    @api.model_create_multi
    def create(self, vals_list):
        """Create flows, without the blanks around pasted ids."""
        flows = super().create([self._ccp_clean(vals) for vals in vals_list])
        if "INBOUND" in flows.mapped("call_type"):
            flows._ccp_refresh_routes()
        return flows

    def write(self, vals):
        """Write flows, without the blanks around pasted ids."""
        takes_calls = "INBOUND" in self.mapped("call_type")
        written = super().write(self._ccp_clean(vals))
        if takes_calls or vals.get("call_type") == "INBOUND":
            self._ccp_refresh_routes()
        if "company_id" in vals:
            # Odoo checks the record rules before a change, not after it
            self.check_access("write")
        return written

    def _ccp_clean(self, vals):
        """Return ``vals`` in Airtel's spelling.

        That is without the blanks around a pasted id, and with caller numbers of ten digits.
        """
        cleaned = {
            name: address.clean(vals[name])
            for name in ("code", "agent_component", "customer_component", "record_component")
            if isinstance(vals.get(name), str)
        }
        if "caller_number" in vals:
            cleaned["caller_number"] = caller_id.tidy(vals["caller_number"])
        return self._ccp_clean_incoming({**vals, **cleaned})

    @api.constrains("active", "trial")
    def _check_trial(self):
        if self.filtered(lambda flow: flow.trial and flow.active):
            raise ValidationError(
                self.env._(
                    "This call flow is for trials at the sandbox, and Airtel does not know it: add "
                    "a call flow with the id that Airtel gave you."
                )
            )

    @api.depends("caller_number")
    def _compute_caller_series(self):
        for flow in self:
            digits = caller_id.tidy(flow.caller_number)
            flow.caller_series = caller_id.series(digits or "") or False

    @api.depends("recording")
    def _compute_recording_mode(self):
        for flow in self:
            if flow.recording_mode != "choice":
                flow.recording_mode = "always" if flow.recording else "never"

    def _inverse_recording_mode(self):
        for flow in self:
            if flow.recording_mode != "choice":
                flow.recording = flow.recording_mode == "always"

    def _recording_mode(self):
        """Return ``never``, ``always`` or ``choice``; the company may forbid recording.

        :rtype: str
        """
        self.ensure_one()
        flow = self.sudo()
        return "never" if flow.company_id.ccp_recording_policy == "never" else flow.recording_mode

    def _is_recorded(self, answer=None):
        """Return whether Airtel is asked to record a call (specification 1.8, enabled).

        :param bool | None answer: the rep's choice, used only if the flow leaves it to the rep;
            None when nobody was asked
        :rtype: bool
        """
        mode = self._recording_mode()
        if mode == "choice":
            return self.recording if answer is None else answer
        return mode == "always"

    def _may_use(self, user):
        """Return whether a user may call with this flow.

        :param user: one ``res.users``
        :rtype: bool
        """
        self.ensure_one()
        restricted = self.env.execute_query(
            SQL(
                """
                SELECT 1 FROM ccp_call_flow_users_rel WHERE flow_id = %(flow)s
                 UNION ALL
                SELECT 1 FROM ccp_call_flow_team_rel WHERE flow_id = %(flow)s
                 LIMIT 1
                """,
                flow=self.id,
            )
        )
        if not restricted:
            return True
        # Also archived people and teams: a flow that is limited to them is not open to everybody
        flow = self.sudo().with_context(active_test=False)
        teams = flow.team_ids.filtered("active")
        return user in flow.user_ids | teams.member_ids | teams.user_id

    @api.constrains("code")
    def _check_code(self):
        for flow in self:
            if not flow.code:
                raise ValidationError(
                    self.env._(
                        "Call flow %s has no call flow id: enter the one that Airtel gave you.",
                        flow.name,
                    )
                )
            if _LINE_BREAK.search(flow.code):
                raise ValidationError(
                    self.env._(
                        "The call flow id of %s has a line break, tab or invisible character in "
                        "it: copy it from Airtel again, in one piece.",
                        flow.name,
                    )
                )

    @api.constrains("caller_number", "call_type")
    def _check_caller_number(self):
        # Numbers that customers call may be toll-free ones, see ``_check_incoming_number``
        outgoing = self.filtered(lambda flow: flow.call_type != "INBOUND")
        self.env["res.users"]._ccp_check_caller_numbers(outgoing, "caller_number")

    @api.constrains("event_types")
    def _check_event_types(self):
        for flow in self:
            unknown = set(flow._event_types()) - set(const.CALLBACK_EVENT_TYPES)
            if unknown:
                raise ValidationError(
                    self.env._(
                        "Airtel does not know the reports %(unknown)s: use some of %(known)s.",
                        unknown=", ".join(sorted(unknown)),
                        known=", ".join(const.CALLBACK_EVENT_TYPES),
                    )
                )
            if not {"CDR", "ALL"} & set(flow._event_types()):
                raise ValidationError(
                    self.env._(
                        "Ask Airtel at least for CDR: without it Odoo cannot know how a call ended."
                    )
                )

    @api.constrains("agent_component", "customer_component", "record_component")
    def _check_components(self):
        for flow in self:
            names = {flow.agent_component, flow.customer_component, flow.record_component}
            if len(names - {False, ""}) < 3:
                raise ValidationError(
                    self.env._("The three components of a call flow need three different ids.")
                )

    @api.constrains("agent_name", "customer_name")
    def _check_names(self):
        for flow in self.filtered(lambda flow: flow.agent_name == flow.customer_name):
            raise ValidationError(
                self.env._(
                    "The agent and the customer of call flow %s need different names in reports.",
                    flow.name,
                )
            )

    @api.model
    def _participant_name(self, name, position):
        """Return a participant's name in reports, which tells the phones of a side apart."""
        return name if position == 1 else f"{name}{position}"

    def _event_types(self):
        """Return the report types to ask for, in order (specification 1.9, eventType).

        :rtype: list[str]
        """
        self.ensure_one()
        return [name.strip().upper() for name in self.event_types.split(",") if name.strip()]
