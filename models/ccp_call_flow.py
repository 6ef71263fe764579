from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..ccp import const, request


class CcpCallFlow(models.Model):
    """A call flow configured at Airtel, and every field of the request that runs it.

    The names of the fields follow the specification's sections 1.5 to 1.10; the agent's side is
    its *initiate call component*, the customer's its *add participant component*.
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
        size=10,
        help="The Airtel number that both phones show: ten digits.",
    )
    call_type = fields.Selection(
        [("OUTBOUND", "Outbound"), ("INBOUND", "Inbound")],
        required=True,
        default="OUTBOUND",
    )
    top_caller_number = fields.Boolean(
        "Caller number for the whole call",
        help="Send the caller number also at the top of the request. Airtel's sample leaves it "
        "out; switch it on when Airtel asks for it.",
    )
    recording = fields.Boolean("Record calls", default=True)
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
        ],
        "Agent's merging strategy",
        required=True,
        default="SEQUENTIAL",
    )
    agent_name = fields.Char("Agent's name in reports", required=True, default="A")
    agent_retries = fields.Integer("Agent's retries", default=1)
    agent_time = fields.Integer(
        "Agent's longest time (seconds)", help="How long the agent is tried. Zero means no limit."
    )
    agent_component_time = fields.Integer(
        "Agent component's longest time (seconds)", help="Zero means no limit."
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
        "Customer's longest time (seconds)",
        help="How long the customer is tried. Zero means no limit.",
    )
    customer_component_time = fields.Integer(
        "Customer component's longest time (seconds)", help="Zero means no limit."
    )
    customer_component_caller_number = fields.Boolean(
        "Caller number on the customer's component",
        help="Airtel's sample leaves it out; switch it on when Airtel asks for it.",
    )
    second_agent_phone = fields.Boolean(
        "Agent's second phone",
        help="Ring also the agent's second phone: next or at once, as the merging strategy says.",
    )
    second_customer_phone = fields.Boolean(
        "Customer's second phone",
        help="When the field that was clicked holds two numbers, ring the other one too.",
    )
    early_media = fields.Boolean(
        "Early media",
        default=True,
        help="Let the agent hear the network's own announcements while the customer is tried.",
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
        """Create flows; blanks that came along with a pasted id are dropped."""
        return super().create([self._ccp_clean(vals) for vals in vals_list])

    def write(self, vals):
        """Write flows; blanks that came along with a pasted id are dropped."""
        return super().write(self._ccp_clean(vals))

    @api.model
    def _ccp_clean(self, vals):
        """Return ``vals`` without the blanks that a copied id or number brings along."""
        cleaned = {
            name: vals[name].strip()
            for name in ("code", "caller_number", "agent_component", "customer_component")
            if isinstance(vals.get(name), str)
        }
        return {**vals, **cleaned}

    @api.model
    def _for_trial(self, company):
        """Return the flow that a company's trial calls run at the sandbox, or an empty recordset.

        :param company: one ``res.company``
        :rtype: odoo.models.BaseModel
        """
        domain = [("company_id", "=", company.id), ("trial", "=", True)]
        return self.sudo().with_context(active_test=False).search(domain, limit=1)

    @api.model
    def _make_for_trial(self, company):
        """Make the flow of a company's trial calls, where it is not there yet.

        It is archived, so that nobody chooses it for real calls.

        :param company: one ``res.company``
        """
        if self._for_trial(company):
            return
        self.sudo().create(
            {
                "name": self.env._("Trial"),
                "code": const.SANDBOX_FLOW_ID,
                "caller_number": const.SANDBOX_CALLER_NUMBER,
                "company_id": company.id,
                "trial": True,
                "active": False,
            }
        )

    @api.constrains("active", "trial")
    def _check_trial(self):
        if self.filtered(lambda flow: flow.trial and flow.active):
            raise ValidationError(
                self.env._(
                    "This call flow is for trials at the sandbox, and Airtel does not know it: add "
                    "a call flow with the id that Airtel gave you."
                )
            )

    @api.constrains("caller_number")
    def _check_caller_number(self):
        self.env["res.users"]._ccp_check_caller_numbers(self, "caller_number")

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
                        "Ask Airtel at least for CDR: without it nobody learns how a call ended."
                    )
                )

    @api.constrains("agent_component", "customer_component", "record_component")
    def _check_components(self):
        for flow in self:
            names = {flow.agent_component, flow.customer_component, flow.record_component}
            if len(names) < 3:
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
        """Return a participant's name in reports: the second phone of a side is told apart."""
        return name if position == 1 else f"{name}{position}"

    def _event_types(self):
        """Return the report types to ask for, in order (specification 1.9, eventType).

        :rtype: list[str]
        """
        self.ensure_one()
        return [name.strip().upper() for name in self.event_types.split(",") if name.strip()]

    def _request_body(
        self, *, customer_id, agent_numbers, customer_numbers, caller_number, notify_url, headers
    ):
        """Return the body of the request that runs this flow (specification 1.3 to 1.10).

        :param str customer_id: the account's customerId
        :param agent_numbers: ten digits each, ring first; how several do, the flow says
        :param customer_numbers: ten digits each, ring second
        :param str caller_number: ten digits, shown to both
        :param str notify_url: where Airtel posts the reports of this call
        :param dict headers: what Airtel sends with each report
        :rtype: dict
        :raise ValueError: for a body that Airtel would refuse
        """
        self.ensure_one()
        callbacks = tuple(
            request.Callback(event_type=event_type, notify_url=notify_url, headers=headers)
            for event_type in self._event_types()
        )
        agents = tuple(
            request.Participant(
                address=address,
                caller_id=caller_number,
                name=self._participant_name(self.agent_name, position),
                max_retries=self.agent_retries,
                max_time=self.agent_time,
            )
            for position, address in enumerate(agent_numbers, start=1)
        )
        customers = tuple(
            request.Participant(
                address=address,
                caller_id=caller_number,
                name=self._participant_name(self.customer_name, position),
                max_retries=self.customer_retries,
                max_time=self.customer_time,
                early_media=self.early_media,
            )
            for position, address in enumerate(customer_numbers, start=1)
        )
        return request.body(
            request.Workflow(
                call_flow_id=self.code,
                customer_id=customer_id,
                call_type=self.call_type,
                caller_id=caller_number if self.top_caller_number else None,
                initiate=request.InitiateCall(
                    component_id=self.agent_component,
                    caller_id=caller_number,
                    merging_strategy=self.agent_strategy,
                    participants=agents,
                    max_time=self.agent_component_time,
                    callbacks=callbacks,
                ),
                add=request.AddParticipant(
                    component_id=self.customer_component,
                    caller_id=caller_number if self.customer_component_caller_number else None,
                    merging_strategy=self.customer_strategy,
                    max_time=self.customer_component_time,
                    participants=customers,
                ),
                record_id=self.record_component,
                record=self.recording,
            )
        )
