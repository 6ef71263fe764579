from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import SQL

from ..ccp.airtel import routing
from ..ccp.call import route
from ..ccp.safe import number
from .ccp_route_table import ROUTE_ACTION

# Defaults of an Airtel number that has no settings of its own
ABANDON_SECONDS = 5
CALLBACK_MINUTES = 30
MAX_ABANDON_SECONDS = 600
MAX_CALLBACK_MINUTES = 60 * 24 * 30
PHONES = ("desk_number", "closed_number")


class CcpCallFlow(models.Model):
    """An INBOUND flow is an Airtel number that customers call: whom it rings, when, and why."""

    _inherit = "ccp.call.flow"

    ring_owner = fields.Boolean(
        "Ring the owner first",
        default=True,
        help="Ring the owner of the caller's open lead or ticket, or else the contact's "
        "salesperson, before the team.",
    )
    ring_last_agent = fields.Boolean(
        "Ring who spoke last",
        default=True,
        help="If the caller has no owner who can be rung, ring the agent who last spoke with that "
        "number.",
    )
    ring_team_id = fields.Many2one(
        "crm.team",
        "Team",
        check_company=True,
        ondelete="restrict",
        help="Is rung if the caller has no owner who can be rung. Missed calls belong to this "
        "team.",
    )
    ring_strategy = fields.Selection(
        [
            ("one", "One phone"),
            ("SEQUENTIAL", "One after the other"),
            ("PARALLEL", "All at once"),
        ],
        "Phones that ring",
        required=True,
        default="one",
        help="Ask Airtel whether your account rings several phones before you choose more than "
        "one.",
    )
    desk_number = fields.Char(
        "Desk's number",
        help="Rings if nobody else can be rung. Enter ten digits.",
    )
    closed_number = fields.Char(
        "Number outside opening hours",
        help="Rings outside the opening hours. Leave empty to ring the desk.",
    )
    menu_ids = fields.One2many(
        "ccp.call.flow.menu", "flow_id", help="The team for each digit of Airtel's menu."
    )
    lead_policy = fields.Selection(
        [
            ("none", "No lead"),
            ("missed", "A lead for each missed call"),
            ("all", "A lead for each call"),
        ],
        "Unknown callers",
        required=True,
        default="none",
        help="What Odoo creates for a caller who has neither a contact nor a lead.",
    )
    source_id = fields.Many2one("utm.source", ondelete="restrict")
    medium_id = fields.Many2one("utm.medium", ondelete="restrict")
    campaign_id = fields.Many2one("utm.campaign", ondelete="set null")
    abandon_seconds = fields.Integer(
        "Short calls (seconds)",
        default=ABANDON_SECONDS,
        help="A caller who hangs up within this many seconds, before anybody picks up, gets no "
        "call-back.",
    )
    callback_minutes = fields.Integer(
        "Call back within (minutes)",
        default=CALLBACK_MINUTES,
        help="Within how many minutes of working time agents must return a missed call.",
    )
    blocked_policy = fields.Selection(
        [("desk", "Ring the desk"), ("ring", "Ring as for everybody")],
        "Callers on the phone blacklist",
        required=True,
        default="desk",
    )

    _incoming_number_uniq = models.UniqueIndex(
        "(caller_number) WHERE call_type = 'INBOUND' AND active",
        "Another call flow, here or of another company, takes the calls of this Airtel number "
        "already: archive that one first.",
    )

    def _ccp_clean_incoming(self, vals):
        """Return ``vals`` with an INBOUND flow's phones in one spelling.

        :param dict vals: what is written
        :raise ValidationError: for a phone that cannot be rung
        """
        cleaned = dict(vals)
        for name in PHONES:
            if cleaned.get(name):
                cleaned[name] = self._ccp_read_desk(name, cleaned[name])
        is_incoming = vals.get("call_type", self[:1].call_type) == "INBOUND"
        if is_incoming and isinstance(vals.get("caller_number"), str):
            try:
                cleaned["caller_number"] = routing.read_airtel_number(vals["caller_number"])
            except ValueError:
                # The constraint reports the error
                cleaned["caller_number"] = vals["caller_number"]
        return cleaned

    @api.model
    def _ccp_read_desk(self, name, text):
        """Return the ten digits of a phone that an INBOUND flow rings; False for an empty text.

        :param str name: the field
        :param str text: what somebody typed
        :raise ValidationError: when Airtel cannot ring it
        """
        try:
            return number.read(text)
        except number.NumberError as error:
            if error.reason == "empty":
                return False
            raise ValidationError(
                self.env._(
                    "%(field)s: Airtel cannot ring this phone. Enter one Indian number of ten "
                    "digits, such as 98765 43210.",
                    field=self._fields[name]._description_string(self.env),
                )
            ) from error

    @api.constrains("call_type", "desk_number", "caller_number", "active")
    def _check_incoming(self):
        for flow in self.filtered(lambda each: each.call_type == "INBOUND"):
            if not flow.desk_number:
                raise ValidationError(
                    self.env._(
                        "%s takes incoming calls: enter the desk's number, which rings if nobody "
                        "else can be rung.",
                        flow.name,
                    )
                )
            flow._check_incoming_number()
            own = self.sudo().with_context(active_test=True)
            numbers = {each.caller_number for each in own.search([("call_type", "=", "INBOUND")])}
            if numbers & {flow.desk_number, flow.closed_number}:
                raise ValidationError(
                    self.env._(
                        "A desk that is itself an Airtel number would call in a circle: enter the "
                        "phone of a person for %s.",
                        flow.name,
                    )
                )

    def _check_incoming_number(self):
        """Check that customers can call the caller number of an INBOUND flow.

        :raise ValidationError: when it is neither ten digits nor toll-free
        """
        try:
            is_read = routing.read_airtel_number(self.caller_number or "") == self.caller_number
        except ValueError:
            is_read = False
        if not is_read:
            raise ValidationError(
                self.env._(
                    "%s is not an Airtel number that customers can call: enter its ten digits, or "
                    "a toll-free number such as 1800 123 4567.",
                    self.caller_number or "",
                )
            )

    @api.constrains("ring_team_id")
    def _check_incoming_team(self):
        """Check the team before Odoo does, whose message would name another company's team."""
        self._ccp_check_named("ring_team_id")

    @api.constrains("abandon_seconds", "callback_minutes")
    def _check_incoming_times(self):
        for flow in self:
            if not 0 <= flow.abandon_seconds <= MAX_ABANDON_SECONDS:
                raise ValidationError(
                    self.env._("Short calls last 0 to %s seconds.", MAX_ABANDON_SECONDS)
                )
            if not 1 <= flow.callback_minutes <= MAX_CALLBACK_MINUTES:
                raise ValidationError(
                    self.env._(
                        "A missed call is returned within 1 to %s minutes: correct this.",
                        MAX_CALLBACK_MINUTES,
                    )
                )

    @api.model
    def _ccp_refresh_routes(self):
        """Have the routing table on disk rewritten soon; it is used while the database is away."""
        action = self.env.ref(ROUTE_ACTION, raise_if_not_found=False)
        if action:
            action.sudo()._trigger()

    @api.model
    def _route_numbers(self, company, moment):
        """Return how a company's INBOUND flows route calls to its Airtel numbers, in their order.

        :param company: a ``res.company``
        :param datetime.datetime moment: aware
        :rtype: list[airtel_ccp.ccp.call.route.Number]
        """
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT flow.id, flow.caller_number, flow.desk_number, flow.closed_number,
                       flow.calendar_id, flow.ring_owner, flow.ring_last_agent,
                       flow.ring_strategy, flow.ring_team_id, flow.blocked_policy,
                       (SELECT json_object_agg(menu.digit, menu.team_id)
                          FROM ccp_call_flow_menu menu WHERE menu.flow_id = flow.id)
                  FROM ccp_call_flow flow
                 WHERE flow.company_id = %s AND flow.call_type = 'INBOUND' AND flow.active
                 ORDER BY flow.sequence, flow.id
                """,
                company.id,
            )
        )
        calendars = self.browse().sudo().calendar_id
        return [
            route.Number(
                caller_number=caller_number or "",
                desk=desk or "",
                flow_id=flow_id,
                is_open=calendars.browse(calendar_id or ())._ccp_is_open(moment),
                closed=closed or "",
                ring_owner=bool(ring_owner),
                ring_last_agent=bool(ring_last_agent),
                strategy=strategy or "one",
                team_id=team_id,
                menu=menu or {},
                rings_blocked=blocked_policy == "ring",
            )
            for (
                flow_id,
                caller_number,
                desk,
                closed,
                calendar_id,
                ring_owner,
                ring_last_agent,
                strategy,
                team_id,
                blocked_policy,
                menu,
            ) in rows
        ]
