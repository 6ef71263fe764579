from odoo import api, fields, models
from odoo.exceptions import AccessError, ValidationError
from odoo.fields import Command, Domain

from ..ccp.airtel import caller_id
from .ccp_call_flow import CALLER_SERIES


class ResUsers(models.Model):
    """An agent: the Odoo user whose own phone rings first (participant A).

    Only administrators, and users themselves (see ``SELF_READABLE_FIELDS``), can read phones and
    caller number: colleagues do not need them.
    """

    _inherit = "res.users"

    ccp_phone = fields.Char(
        "My phone",
        copy=False,
        groups="base.group_system",
        help="Airtel rings this phone first, then the customer's.",
    )
    ccp_second_phone = fields.Char(
        "My second phone",
        copy=False,
        groups="base.group_system",
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
        help="The Airtel number that both phones show, in the current company. Leave empty to use "
        "the one of the call flow.",
        groups="base.group_system",
    )
    ccp_caller_series = fields.Selection(
        CALLER_SERIES,
        "Caller number's series",
        compute="_compute_ccp_caller_series",
        groups="base.group_system",
    )
    ccp_flow_id = fields.Many2one(
        "ccp.call.flow",
        "Call flow",
        company_dependent=True,
        check_company=True,
        ondelete="restrict",
        help="The call flow for this user's calls in the current company. Leave empty to use the "
        "sales team's, or else the company's default.",
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
        # Odoo checks access only to fields with a column
        self._check_field_access(self._fields["ccp_may_call"], "read")
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
        """Refuse a user without the right to place calls.

        :raise AccessError: with the name of the missing right
        """
        if not self.has_group("airtel_ccp.group_ccp_user"):
            raise AccessError(
                self.env._(
                    "You may not place calls: ask your administrator for the right “Airtel calls”."
                )
            )

    def _ccp_check_leader(self):
        """Refuse a user without the right to see a team's calls.

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
        """Allow users to read their own phones and caller number."""
        return super().SELF_READABLE_FIELDS + [
            "ccp_phone",
            "ccp_second_phone",
            "ccp_further_phones",
            "ccp_caller_number",
            "ccp_phones_reserved",
            "ccp_away_until",
        ]

    @property
    def SELF_WRITEABLE_FIELDS(self):
        """Allow users to set their own phones; caller numbers are for administrators.

        If a company reserves phones to administrators, ``write`` refuses.
        """
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

        :param records: a recordset whose ``field_name`` holds a caller number or is empty
        :param str field_name: the field to check
        :raise ValidationError: for the first invalid one
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
