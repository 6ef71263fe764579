from odoo import api, fields, models
from odoo.exceptions import AccessError, ValidationError
from odoo.fields import Command, Domain

from ..ccp.airtel import caller_id
from ..ccp.safe import number
from .base import shown, unlogged
from .ccp_call_flow import CALLER_SERIES

MAX_FURTHER_PHONES = 8
PHONES = ("ccp_phone", "ccp_second_phone")


class ResUsers(models.Model):
    """An agent: the Odoo user whose own phone rings first (participant A)."""

    _inherit = "res.users"

    ccp_phone = fields.Char(
        "My phone",
        copy=False,
        help="Airtel rings this phone first, then the customer's.",
    )
    ccp_second_phone = fields.Char(
        "My second phone",
        copy=False,
        help="Airtel rings this phone too, if the call flow allows it.",
    )
    ccp_further_phones = fields.Text(
        "My further phones",
        copy=False,
        groups="base.group_system",
        help="One number a line. Airtel rings these too, if the call flow rings further phones.",
    )
    ccp_caller_number = fields.Char(
        "Caller number",
        company_dependent=True,
        help="The Airtel number that both phones show, in the present company. Leave empty to "
        "use the one of the call flow.",
    )
    ccp_caller_series = fields.Selection(
        CALLER_SERIES, "Caller number's series", compute="_compute_ccp_caller_series"
    )
    ccp_flow_id = fields.Many2one(
        "ccp.call.flow",
        "Call flow",
        company_dependent=True,
        check_company=True,
        ondelete="restrict",
        help="Runs this user's calls in the present company. Leave empty to use the one of the "
        "sales team, or else the company's default.",
        groups="base.group_system",
    )

    ccp_may_call = fields.Boolean(
        "May call",
        compute="_compute_ccp_may_call",
        inverse="_inverse_ccp_may_call",
        search="_search_ccp_may_call",
        help="Has one of the rights “Airtel calls”.",
        groups="base.group_system",
    )
    ccp_call_count = fields.Integer(
        "Calls", compute="_compute_ccp_call_count", groups="airtel_ccp.group_ccp_user"
    )

    @api.model_create_multi
    def create(self, vals_list):
        """Create users; phones and caller number are kept in ten digits.

        :raise ValidationError: for a phone that Airtel cannot ring
        """
        return super().create([self._ccp_clean(vals) for vals in vals_list])

    def write(self, vals):
        """Write users; phones and caller number are kept in ten digits.

        :raise ValidationError: for a phone that Airtel cannot ring
        """
        return super().write(self._ccp_clean(vals))

    @api.model
    def _ccp_clean(self, vals):
        vals = self._ccp_clean_further(vals)
        cleaned = {name: self._ccp_read_phone(vals[name]) for name in PHONES if vals.get(name)}
        if vals.get("ccp_caller_number"):
            cleaned["ccp_caller_number"] = caller_id.tidy(vals["ccp_caller_number"])
        return {**vals, **cleaned}

    @api.model
    def _ccp_read_phone(self, phone):
        """Return the ten digits of a person's own phone; False for blanks.

        :param str phone: as somebody typed it
        :raise ValidationError: when Airtel cannot ring it
        """
        try:
            return number.read(phone)
        except number.NumberError as error:
            if error.reason == "empty":
                return False
            refusal = ValidationError(
                self.env._(
                    "%(phone)s is not a phone that Airtel can ring: enter one Indian number of "
                    "ten digits, such as 98765 43210.",
                    phone=shown(str(phone)),
                )
            )
            raise unlogged(refusal) from error

    @api.model
    def _ccp_clean_further(self, vals):
        text = vals.get("ccp_further_phones")
        if not isinstance(text, str):
            return vals
        lines = dict.fromkeys(map(self._ccp_read_phone, filter(str.strip, text.splitlines())))
        return {**vals, "ccp_further_phones": "\n".join(filter(None, lines)) or False}

    def _ccp_further_numbers(self):
        """Return the further phones of an agent, ten digits each.

        :rtype: list[str]
        """
        self.ensure_one()
        return (self.sudo().ccp_further_phones or "").split()

    @api.constrains("ccp_further_phones")
    def _check_ccp_further_phones(self):
        for user in self.sudo():
            phones = (user.ccp_further_phones or "").splitlines()
            if len(phones) > MAX_FURTHER_PHONES:
                raise ValidationError(
                    self.env._(
                        "These are %(count)s further phones: keep at most %(limit)s.",
                        count=len(phones),
                        limit=MAX_FURTHER_PHONES,
                    )
                )

    @api.depends("ccp_caller_number")
    @api.depends_context("company")
    def _compute_ccp_caller_series(self):
        for user in self:
            digits = caller_id.tidy(user.ccp_caller_number)
            user.ccp_caller_series = caller_id.series(digits or "") or False

    @api.depends("group_ids")
    def _compute_ccp_may_call(self):
        callers = self.env.ref("airtel_ccp.group_ccp_user").sudo().all_user_ids
        for user in self:
            user.ccp_may_call = user._origin in callers

    def _inverse_ccp_may_call(self):
        right = self.env.ref("airtel_ccp.group_ccp_user")
        for user in self:
            if user.ccp_may_call:
                user.group_ids = [Command.link(right.id)]
            else:
                rights = user.group_ids & (right | right.all_implied_by_ids)
                user.group_ids = [Command.unlink(each.id) for each in rights]

    def _search_ccp_may_call(self, operator, value):
        if operator != "in":
            return NotImplemented
        callers = self.env.ref("airtel_ccp.group_ccp_user").sudo().all_user_ids
        found = Domain("id", "in", callers.ids)
        return Domain.OR([found if each else ~found for each in value])

    @api.depends_context("uid", "allowed_company_ids")
    def _compute_ccp_call_count(self):
        counts = self.env["ccp.call"]._counts("user_id", self._origin)
        for user in self:
            user.ccp_call_count = counts.get(user._origin.id, 0)

    def action_ccp_calls(self):
        """Open the list of the calls that this user placed.

        :rtype: dict
        :raise AccessError: when the user may not read the other user, or no calls at all
        """
        self.ensure_one()
        self.check_access("read")
        return self._ccp_open_calls(Domain("user_id", "=", self.id))

    def _ccp_check_may_call(self):
        """Refuse a user who has no right to place calls.

        :raise AccessError: with the name of the missing right
        """
        if not self.has_group("airtel_ccp.group_ccp_user"):
            raise AccessError(
                self.env._(
                    "You may not place calls: ask your administrator for the right “Airtel calls”."
                )
            )

    def _ccp_check_leader(self):
        """Refuse a user who has no right to see the calls of a team.

        :raise AccessError: with the name of the missing right
        """
        if not self.has_group("airtel_ccp.group_ccp_team_leader"):
            raise AccessError(
                self.env._(
                    "You may not see figures of a team's calls: ask your administrator for the "
                    "right “Airtel calls: Team Leader”."
                )
            )

    @property
    def SELF_READABLE_FIELDS(self):
        """Let users see their own phone and caller number."""
        return super().SELF_READABLE_FIELDS + [
            "ccp_phone",
            "ccp_second_phone",
            "ccp_further_phones",
            "ccp_caller_number",
        ]

    @property
    def SELF_WRITEABLE_FIELDS(self):
        """Let users set their own phone; caller numbers are the administrator's."""
        return super().SELF_WRITEABLE_FIELDS + [
            "ccp_phone",
            "ccp_second_phone",
            "ccp_further_phones",
        ]

    @api.constrains("ccp_flow_id")
    def _check_ccp_flow(self):
        self._check_company(["ccp_flow_id"])

    @api.constrains("ccp_caller_number")
    def _check_ccp_caller_number(self):
        self._ccp_check_caller_numbers(self, "ccp_caller_number")

    @api.model
    def _ccp_check_caller_numbers(self, records, field_name):
        """Refuse caller numbers that are not Airtel's ten digits (specification 1.5, callerId).

        :param records: a recordset whose ``field_name`` holds a caller number or nothing
        :param str field_name: the field to check
        :raise ValidationError: for the first that is something else
        """
        for record in records:
            value = record[field_name]
            if value and not (value.isascii() and value.isdigit() and len(value) == 10):
                raise ValidationError(
                    self.env._(
                        "%(value)s is not a caller number: enter the ten digits that Airtel gave "
                        "you, such as 80000 00001.",
                        value=value,
                    )
                )
