from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..ccp.airtel import components, const, headers, request
from .ccp_dialer import SECRET_HEADER

SECRET_MASK = "\N{BULLET}" * 8
MAX_PHONES = 10
# ROUND ROBIN is sent with a blank or an underscore between the words
SPELLINGS = ("blank", "underscore")


class CcpCallFlow(models.Model):
    """The request that runs a flow, and those of its settings that few flows need.

    Agent pools, further phones, further components, and headers of reports (specification 1.5
    to 1.10).
    """

    _inherit = "ccp.call.flow"

    pool_code = fields.Char(
        "Agent pool's id",
        help="Airtel's id of the pool. Airtel rings its agents in turn, in place of the phone of "
        "the user who clicks Call; only Airtel's reports say who answered.",
    )
    pool_key = fields.Char(
        "Field of the pool's id",
        required=True,
        default=const.DEFAULT_POOL_KEY,
        help="Airtel's specification does not say which field of the request holds the pool's id. "
        "Change this if Airtel gives you another name.",
    )
    pool_strategy = fields.Selection(
        list(zip(SPELLINGS, const.ROUND_ROBIN, strict=True)),
        "Spelling of round robin",
        required=True,
        default=SPELLINGS[0],
        help="Airtel's specification prints ROUND ROBIN, other documents of Airtel ROUND_ROBIN. "
        "Try the other one if Airtel refuses this one.",
    )
    agent_phone_limit = fields.Integer(
        "Maximum number of agent's phones",
        required=True,
        default=2,
        help="How many of an agent's phones ring: the first one, then the second one, then the "
        "further ones.",
    )
    customer_number_limit = fields.Integer(
        "Maximum number of customer's numbers",
        required=True,
        default=2,
        help="How many numbers of a customer ring. With two, only the field that was clicked is "
        "read; with more, also the other phone fields of the same record.",
    )
    further_components = fields.Text(
        groups="base.group_system",
        help="A JSON object of components that Odoo adds to the request, each by its id, for "
        'example {"addParticipant_2": {"participants": [{"participantAddress": '
        '"{{customer2}}"}]}}. Use placeholders for phones: {{agent2}}, {{customer2}} and so on '
        "for those of the call, {{callerId}} for the caller number. Phone numbers themselves are "
        "refused, because they would not be checked against the blacklist.",
    )
    callback_method = fields.Char(
        "Method of reports",
        required=True,
        default="POST",
        help="How Airtel sends reports. Odoo takes POST only.",
    )
    callback_headers = fields.Text(
        "Headers of reports",
        groups="base.group_system",
        help="Headers that Airtel sends along with each report, one a line, such as "
        "X-Stage: test. Everybody who may change call flows can read them.",
    )
    callback_secret_headers = fields.Text(
        "Secret headers of reports",
        compute="_compute_callback_secret_headers",
        inverse="_inverse_callback_secret_headers",
        groups="base.group_system",
        help="More headers, whose values stay hidden once they are saved, such as the key of a "
        "proxy. Leave the dots to keep a value. A copy of this call flow does not include them.",
    )
    callback_secrets = fields.Text(
        "Secret headers of reports, as stored", copy=False, groups=fields.NO_ACCESS
    )

    _phone_limits_range = models.Constraint(
        f"CHECK(agent_phone_limit BETWEEN 1 AND {MAX_PHONES}"
        f" AND customer_number_limit BETWEEN 1 AND {MAX_PHONES})",
        f"At least one phone of each side rings, and at most {MAX_PHONES}.",
    )

    def _rings_pool(self):
        """Return whether agents of a pool ring instead of the rep's own phone.

        :rtype: bool
        """
        self.ensure_one()
        return self.agent_strategy == "ROUND_ROBIN"

    def _agent_strategy(self):
        """Return the merging strategy of the agent's component, in Airtel's spelling.

        :rtype: str
        """
        self.ensure_one()
        if self._rings_pool():
            return const.ROUND_ROBIN[SPELLINGS.index(self.pool_strategy)]
        return self.agent_strategy

    @api.depends("callback_secrets")
    def _compute_callback_secret_headers(self):
        for flow in self:
            names = headers.read(flow.sudo().callback_secrets)
            flow.callback_secret_headers = (
                "\n".join(f"{name}: {SECRET_MASK}" for name in names) or False
            )

    def _inverse_callback_secret_headers(self):
        # Forms write back what they show: dots mean that a value is unchanged
        for flow in self.sudo():
            known = headers.read(flow.callback_secrets)
            lines = []
            for line in (flow.callback_secret_headers or "").splitlines():
                name, _colon, value = (part.strip() for part in line.partition(":"))
                is_kept = value == SECRET_MASK and name in known
                lines.append(f"{name}: {known[name]}" if is_kept else line)
            flow.callback_secrets = "\n".join(lines) or False

    @api.constrains("agent_strategy", "pool_code", "pool_key")
    def _check_pool(self):
        for flow in self:
            if flow._rings_pool() and not (flow.pool_code or "").strip():
                raise ValidationError(
                    self.env._(
                        "Call flow %s rings an agent pool: enter the pool's id, which Airtel "
                        "gives you.",
                        flow.name,
                    )
                )
            if not request.is_pool_key(flow.pool_key or ""):
                raise ValidationError(
                    self.env._(
                        "%s cannot be the field of the pool's id: enter the name that Airtel gave "
                        "you, in letters and digits, such as agentPoolId.",
                        flow.pool_key or '""',
                    )
                )

    @api.constrains("callback_method")
    def _check_callback_method(self):
        for flow in self:
            if flow.callback_method != "POST":
                raise ValidationError(
                    self.env._(
                        "Odoo accepts reports by POST only, so reports sent by %s would not "
                        "arrive: enter POST.",
                        flow.callback_method,
                    )
                )

    @api.constrains("callback_headers", "callback_secrets")
    def _check_callback_headers(self):
        for flow in self.sudo():
            try:
                plain = headers.read(flow.callback_headers, (SECRET_HEADER,))
                headers.read(flow.callback_secrets, (SECRET_HEADER, *plain))
            except headers.HeaderError as error:
                raise ValidationError(self._header_sentence(error)) from error

    def _header_sentence(self, error):
        """Return why headers cannot be sent, without any header's value.

        :param ccp.airtel.headers.HeaderError error: what is wrong
        """
        _ = self.env._
        return {
            "line": lambda: _(
                "Line %s is not a header: write Name: value, one header a line.", error.where
            ),
            "value": lambda: _(
                "The value of header %s cannot be sent: enter up to 1,000 Latin letters, digits "
                "and signs.",
                error.where,
            ),
            "reserved": lambda: _(
                "Header %s is already set by the connection, by Odoo or in the other list: remove "
                "it here.",
                error.where,
            ),
            "twice": lambda: _("Header %s is listed twice: keep one.", error.where),
        }.get(
            error.reason,
            lambda: _("There are too many headers: keep at most %s.", headers.MAX_HEADERS),
        )()

    @api.constrains(
        "further_components",
        "pool_key",
        "agent_component",
        "customer_component",
        "record_component",
    )
    def _check_further_components(self):
        for flow in self.sudo():
            try:
                found = components.read(flow.further_components, flow.pool_key)
            except components.ComponentsError as error:
                raise ValidationError(self._components_sentence(error)) from error
            taken = {flow.agent_component, flow.customer_component, flow.record_component}
            for name in taken & set(found):
                raise ValidationError(
                    self.env._(
                        "%s is already a component of this call flow: give the added component "
                        "another id.",
                        name,
                    )
                )

    def _components_sentence(self, error):
        """Return why further components cannot be sent, and how to correct them.

        :param ccp.airtel.components.ComponentsError error: what is wrong
        """
        _ = self.env._
        place = error.where
        return {
            "long": lambda: _("The further components are too long: keep them short."),
            "json": lambda: _(
                'The further components are not a JSON object: write them as {"addParticipant_2": '
                "{...}}, each name once."
            ),
            "many": lambda: _(
                "There are too many further components: keep at most %s.", components.MAX_COMPONENTS
            ),
            "deep": lambda: _("%s is nested too deeply: make it simpler.", place),
            "name": lambda: _(
                "“%s” is not a component id: use letters, digits and _, such as addParticipant_2.",
                place,
            ),
            "object": lambda: _("Airtel does not take %s in this form: correct it.", place),
            "forbidden": lambda: _(
                "%s cannot be set here, because Odoo sets it for the whole call: remove it.",
                place,
            ),
            "number": lambda: _(
                "%s contains a phone number, which would not be checked against the blacklist: "
                "use a placeholder such as {{customer2}}.",
                place,
            ),
            "address": lambda: _(
                "%s needs a placeholder as participantAddress, such as {{agent2}} or "
                "{{customer2}}.",
                place,
            ),
            "caller_id": lambda: _(
                "%s needs the placeholder {{callerId}}: both phones show the call's own caller "
                "number.",
                place,
            ),
            "twice": lambda: _("The phone at %s is rung twice: keep it once.", place),
            "strategy": lambda: _(
                "%(place)s is not a strategy that Airtel knows: use %(known)s.",
                place=place,
                known=", ".join(const.AGENT_STRATEGIES),
            ),
            "conference": lambda: _(
                "Airtel allows no conference at %s: use another strategy.", place
            ),
            "no_participants": lambda: _("%s is missing: name at least one participant.", place),
            "pool": lambda: _("%s is missing: enter the id of the agent pool.", place),
            "pool_participants": lambda: _(
                "%s cannot be used with an agent pool: remove it.", place
            ),
            "retries": lambda: _("%s is not between 0 and 3: correct it.", place),
            "max_time": lambda: _("%s is not a number of seconds: correct it.", place),
        }[error.reason]()

    def _report_headers(self, own):
        """Return the headers that Airtel sends with each report (specification 1.9, headers).

        :param dict own: Odoo's own headers, which override all others
        :rtype: dict
        """
        flow = self.sudo()
        return {
            **headers.read(flow.callback_headers),
            **headers.read(flow.callback_secrets),
            **own,
        }

    def _request_body(
        self,
        *,
        customer_id,
        agent_numbers,
        customer_numbers,
        caller_number,
        notify_url,
        headers,
        record=None,
    ):
        """Return the body of the request that runs this flow (specification 1.3 to 1.10).

        :param str customer_id: the account's customerId
        :param agent_numbers: ten digits each, ring first, in the way that the flow sets. None if
            a pool rings
        :param customer_numbers: ten digits each, ring second
        :param str caller_number: ten digits, shown to agent and customer
        :param str notify_url: where Airtel posts the reports of this call
        :param dict headers: headers that Airtel sends with each report, beside the flow's own
        :param bool | None record: whether the call is recorded; by default as the flow is set
        :rtype: dict
        :raise ValueError: for a body that Airtel would refuse
        """
        self.ensure_one()
        callbacks = tuple(
            request.Callback(
                event_type=event_type,
                notify_url=notify_url,
                method=self.callback_method,
                headers=self._report_headers(headers),
            )
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
        has_pool = self._rings_pool()
        return request.body(
            request.Workflow(
                call_flow_id=self.code,
                customer_id=customer_id,
                call_type=self.call_type,
                caller_id=caller_number if self.top_caller_number else None,
                initiate=request.InitiateCall(
                    component_id=self.agent_component,
                    caller_id=caller_number,
                    merging_strategy=self._agent_strategy(),
                    participants=agents,
                    pool=request.Pool(self.pool_code or "", self.pool_key) if has_pool else None,
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
                record=self._is_recorded() if record is None else record,
                further=components.read(self.sudo().further_components, self.pool_key),
            )
        )
