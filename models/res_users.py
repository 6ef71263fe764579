from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain

from ..ccp import number


class ResUsers(models.Model):
    """An agent: the Odoo user whose own phone rings first (participant A)."""

    _inherit = "res.users"

    ccp_phone = fields.Char(
        "My phone",
        help="Airtel rings this phone first, then the customer's.",
    )
    ccp_second_phone = fields.Char(
        "My second phone",
        help="Airtel rings this phone too, where the call flow allows it.",
    )
    ccp_caller_number = fields.Char(
        "Caller number",
        help="The Airtel number that both phones show. Leave empty to use the one of the call "
        "flow.",
    )

    ccp_call_count = fields.Integer(
        "Calls", compute="_compute_ccp_call_count", groups="airtel_ccp.group_ccp_user"
    )

    @api.depends_context("uid", "allowed_company_ids")
    def _compute_ccp_call_count(self):
        counts = self.env["ccp.call"]._counts("user_id", self._origin)
        for user in self:
            user.ccp_call_count = counts.get(user._origin.id, 0)

    def action_ccp_calls(self):
        """Open the list of the calls that this user placed.

        :rtype: dict
        :raise AccessError: when the user may not read the other user
        """
        self.ensure_one()
        self.check_access("read")
        return self.env["ccp.call"]._list_action(Domain("user_id", "=", self.id))

    @property
    def SELF_READABLE_FIELDS(self):
        """Let users see their own phone and caller number."""
        return super().SELF_READABLE_FIELDS + ["ccp_phone", "ccp_second_phone", "ccp_caller_number"]

    @property
    def SELF_WRITEABLE_FIELDS(self):
        """Let users set their own phone; caller numbers are the administrator's."""
        return super().SELF_WRITEABLE_FIELDS + ["ccp_phone", "ccp_second_phone"]

    @api.constrains("ccp_phone", "ccp_second_phone")
    def _check_ccp_phone(self):
        for user in self:
            for phone in filter(None, (user.ccp_phone, user.ccp_second_phone)):
                try:
                    number.read(phone)
                except number.NumberError as error:
                    raise ValidationError(
                        self.env._(
                            "%(phone)s is not a phone that Airtel can ring: enter one Indian "
                            "number of ten digits, such as 98765 43210.",
                            phone=phone,
                        )
                    ) from error

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
                        "%(value)s is not a caller number: Airtel's caller numbers have exactly "
                        "ten digits, without +91, 0 or blanks.",
                        value=value,
                    )
                )
