from lxml.builder import E

from odoo import api, models
from odoo.fields import Domain
from odoo.tools import SQL

from .ccp_call_count import CcpCallCount

CALLERS = "airtel_ccp.group_ccp_user"


class CcpCallableMixin(models.AbstractModel):
    """Gives a model the Call button, the number of its calls, and the action that lists them.

    Inherit it beside ``mail.thread``. If the model's phone fields are not called ``phone`` and
    ``mobile``, override Odoo's ``_phone_get_number_fields``.
    """

    _name = "ccp.callable.mixin"
    _description = "Callable through Airtel CCP"

    ccp_call_count = CcpCallCount("Calls", groups=CALLERS)

    def _prepare_create_values(self, vals_list):
        """Leave out the number of calls, because it has no column."""
        return [
            {name: value for name, value in values.items() if name != "ccp_call_count"}
            for values in super()._prepare_create_values(vals_list)
        ]

    def _ccp_call_count_sql(self, alias):
        """Return how many calls of a record the user may see, as SQL.

        :param str alias: the name, in the surrounding statement, of the table with the record
        :rtype: odoo.tools.SQL
        """
        own_model = Domain("res_model", "=", self._name)

        def to_sql(calls, calls_alias, query):
            return SQL(
                "%s = %s",
                SQL.identifier(calls_alias, "res_id", to_flush=calls._fields["res_id"]),
                SQL.identifier(alias, "id"),
            )

        calls = self.env["ccp.call"]._search(own_model & Domain.custom(to_sql=to_sql))
        return SQL("(%s)", calls.select(SQL("COUNT(*)")))

    def _ccp_calls_domain(self):
        """Return the domain of the calls that belong to this record.

        :rtype: odoo.fields.Domain
        """
        self.ensure_one()
        return Domain("res_model", "=", self._name) & Domain("res_id", "=", self.id)

    def action_ccp_call(self, field_name=None):
        """Call this record: Airtel rings the user's own phone, then the record's.

        :param str | None field_name: the phone field to read the number from; by default the
            record's first phone field that has a value
        :return: ``{"call_id": int, "state": str, "message": str}``; the state is ``queued`` if
            Airtel has not answered after a few seconds: the bus then brings its answer
        :rtype: dict
        :raise UserError: when no call was placed, with a sentence that says who can correct it
        :raise AccessError: when the user may not call, or may not read the record
        """
        self.ensure_one()
        return self.env["ccp.call"]._dial(self, field_name)

    def action_ccp_call_button(self):
        """Have the browser call this record, as if its Call button had been clicked.

        For buttons in forms and for server actions: the browser asks which of several numbers is
        meant, and shows the panel.

        :rtype: dict
        :raise AccessError: when the user may not call, or may not read the record
        """
        self.env.user._ccp_check_may_call()
        self.ensure_one()
        self._ccp_check_readable()
        return self._ccp_call_action()

    @api.model
    def _get_view(self, view_id=None, view_type="form", **options):
        """Add the record's calls to the button box of forms that do not show them.

        A model without phone fields also gets a Call button there.
        """
        arch, view = super()._get_view(view_id, view_type, **options)
        box = arch.find(".//div[@name='button_box']") if view_type == "form" else None
        if box is not None and arch.find(".//button[@name='action_ccp_calls']") is None:
            if not self._ccp_phone_fields():
                box.append(
                    E.button(
                        name="action_ccp_call_button",
                        type="object",
                        string=self.env._("Call"),
                        icon="fa-phone",
                        invisible="not id",
                        groups=CALLERS,
                        **{"class": "oe_stat_button"},
                    )
                )
            box.append(
                E.button(
                    E.field(name="ccp_call_count", string=self.env._("Calls"), widget="statinfo"),
                    name="action_ccp_calls",
                    type="object",
                    icon="fa-history",
                    invisible="not id",
                    groups=CALLERS,
                    **{"class": "oe_stat_button"},
                )
            )
        return arch, view

    def action_ccp_calls(self):
        """Open the list of this record's calls.

        :rtype: dict
        :raise AccessError: when the user may not read the record, or no calls at all
        """
        self.ensure_one()
        self._ccp_check_readable()
        return self._ccp_open_calls(self._ccp_calls_domain())
