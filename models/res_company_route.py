import base64
import re

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain
from odoo.tools import SQL

from ..ccp.airtel import headers, routing
from ..ccp.safe.spool import digest
from .report_store import still_valid
from .res_company import OLD_TOKEN_PERIOD, PASSWORD_MASK
from .spool import make_token

ROUTE = "/airtel_ccp/route/"
MAX_SECRET = 200
_SECRET = re.compile(r"[\x21-\x7e][\x20-\x7e]*")
# The fields that the table on disk contains
ROUTE_FIELDS = ("ccp_route_token", "ccp_route_header", "ccp_kept_route_secret")


class ResCompany(models.Model):
    """Where Airtel asks whom a company's incoming calls are put through to, and who may ask."""

    _inherit = "res.company"

    ccp_route_token = fields.Char(
        "Routing URL token",
        copy=False,
        default=lambda self: make_token(self.env),
        groups="base.group_system",
    )
    ccp_old_route_tokens = fields.Json(
        "Digests of old routing tokens that still count", copy=False, groups=fields.NO_ACCESS
    )
    ccp_route_header = fields.Char(
        "Secret header's name",
        copy=False,
        help="A header that Airtel sends when it asks where to put a call through, such as dauth. "
        "Leave empty if Airtel sends none. If the header is Authorization, enter user:password "
        "as its secret: Airtel calls this Basic.",
        groups="base.group_system",
    )
    ccp_route_secret = fields.Char(
        "Secret header's value",
        compute="_compute_ccp_route_secret",
        inverse="_inverse_ccp_route_secret",
        compute_sudo=True,
        help="Can be replaced, but not read.",
        groups="base.group_system",
    )
    ccp_kept_route_secret = fields.Char(
        "Secret header's value, as stored", copy=False, groups=fields.NO_ACCESS
    )
    ccp_channels = fields.Integer(
        "Simultaneous calls",
        help="How many calls your Airtel account allows at the same time, incoming and outgoing "
        "together. Zero if you do not know.",
        groups="base.group_system",
    )

    @api.private
    def init(self):
        """Give each company a routing token of its own.

        For a new column Odoo would give all existing companies the same value.
        """
        shared = self.env.execute_query(
            SQL(
                """
                SELECT id
                  FROM (SELECT id, ccp_route_token,
                               count(*) OVER (PARTITION BY ccp_route_token) AS companies
                          FROM res_company) AS company
                 WHERE ccp_route_token IS NULL OR companies > 1
                """
            )
        )
        for (company_id,) in shared:
            self.env.cr.execute(
                "UPDATE res_company SET ccp_route_token = %s WHERE id = %s",
                [make_token(self.env), company_id],
            )
        return super().init()

    @api.depends("ccp_kept_route_secret")
    def _compute_ccp_route_secret(self):
        for company in self:
            company.ccp_route_secret = PASSWORD_MASK if company.ccp_kept_route_secret else False

    def _inverse_ccp_route_secret(self):
        # Forms write back what they show, and typed text may still contain some of the dots
        for company in self.sudo():
            typed = (company.ccp_route_secret or "").replace(PASSWORD_MASK[0], "")
            if typed or not company.ccp_route_secret:
                company.ccp_kept_route_secret = typed

    @api.constrains("ccp_route_header", "ccp_kept_route_secret")
    def _check_ccp_route_secret(self):
        for company in self.sudo():
            name, secret = company.ccp_route_header, company.ccp_kept_route_secret
            if name:
                company._ccp_check_route_header(name)
            # Forms write name and value one after the other; the set-up shows if one is missing
            if secret and (len(secret) > MAX_SECRET or not _SECRET.fullmatch(secret)):
                raise ValidationError(
                    self.env._(
                        "The value of the secret header cannot be sent: use at most %s Latin "
                        "letters, digits and signs.",
                        MAX_SECRET,
                    )
                )

    def _ccp_check_route_header(self, name):
        """Check that Airtel can send a header of this name.

        :param str name: what somebody typed
        :raise ValidationError: when it cannot be one
        """
        try:
            is_one = list(headers.read(f"{name}: x")) == [name]
        except headers.HeaderError:
            is_one = False
        if not is_one:
            raise ValidationError(
                self.env._(
                    "The secret header's name is not a valid header name: enter one such as dauth "
                    "or Authorization."
                )
            )

    def _ccp_route_url(self):
        """Return the address at which Airtel asks whom to put a call through to.

        :rtype: str
        """
        self.ensure_one()
        return f"{self._ccp_notify_base().rstrip('/')}{ROUTE}{self.sudo().ccp_route_token}"

    def _ccp_renew_route_token(self):
        """Replace the token of the routing URL.

        Airtel's staff enters the new address, which takes time: the old one stays valid for a day.
        """
        self.ensure_one()
        company = self.sudo()
        now = fields.Datetime.now()
        old_tokens = still_valid(company.ccp_old_route_tokens)
        if company.ccp_route_token:
            until = fields.Datetime.to_string(now + OLD_TOKEN_PERIOD)
            old_tokens[digest(company.ccp_route_token)] = until
        company.ccp_old_route_tokens = old_tokens
        company.ccp_route_token = make_token(self.env)
        company._ccp_incoming_flows()._ccp_refresh_routes()

    def _ccp_incoming_flows(self):
        """Return a company's Airtel numbers that customers call, in their order.

        :return: records of ``ccp.call.flow``, as superuser
        :rtype: odoo.models.BaseModel
        """
        self.ensure_one()
        flows = self.browse().sudo().ccp_flow_id
        own = Domain("company_id", "=", self.id) & Domain("call_type", "=", "INBOUND")
        return flows.search(own, order="sequence, id")

    def _ccp_make_incoming_flow(self, values):
        """Create the first call flow for a company's incoming calls.

        :param dict values: its number, desk, team and hours
        :return: the ``ccp.call.flow``
        :rtype: odoo.models.BaseModel
        """
        self.ensure_one()
        # Requests never contain Airtel's id of such a flow: the number identifies it
        defaults = {
            "name": self.env._("Incoming calls"),
            "code": values["caller_number"],
            "call_type": "INBOUND",
            "company_id": self.id,
        }
        return self._ccp_incoming_flows().sudo(False).create({**defaults, **values})

    def _ccp_route_headers(self):
        """Return the header that a request to the routing URL must have.

        :rtype: dict[str, str]
        """
        self.ensure_one()
        company = self.sudo()
        name, secret = company.ccp_route_header, company.ccp_kept_route_secret or ""
        if not name:
            return {}
        if name.lower() == "authorization" and ":" in secret:
            secret = f"Basic {base64.b64encode(secret.encode()).decode()}"
        return {name: secret}

    def _ccp_route(self, question, is_kept=True):
        """Decide whom a call to this company is put through to, see ``ccp.call._route``.

        :param airtel_ccp.ccp.airtel.routing.Question question: as received
        :param bool is_kept: whether it is a real call
        :rtype: airtel_ccp.models.ccp_route.Routed
        """
        return self._ccp_own_calls()._route(self.sudo(), question, is_kept)

    def _ccp_own_calls(self):
        """Return the model of calls, as superuser in this company.

        :rtype: odoo.models.BaseModel
        """
        self.ensure_one()
        return self.env["ccp.call"].sudo().with_company(self)

    def _ccp_announce(self, decisions):
        """Notify browsers whose phones will ring.

        :param decisions: ``airtel_ccp.ccp.call.route.Decision`` objects that Airtel received
        """
        self._ccp_own_calls()._announce_incoming(decisions)

    def _ccp_own_phone(self):
        """Return the company's own phone, for calls without a call flow.

        :return: ten digits, "" if the company has none that can be rung
        :rtype: str
        """
        self.ensure_one()
        return routing.phone(self.sudo().phone or "")
