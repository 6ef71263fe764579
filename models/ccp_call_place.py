import dataclasses

from odoo import api, models
from odoo.exceptions import UserError

from ..ccp.airtel import const
from .base import doubt_question


class CcpCall(models.Model):
    """The public method by which browsers place calls; ``_dial`` does the work."""

    _inherit = "ccp.call"

    @api.model
    def place(
        self, res_model, res_id, field_name=None, choice=None, list_item_id=None, options=None
    ):
        """Call a record of any model with a phone field, as the Call button does.

        :param str res_model: the record's model
        :param int res_id: the record's id
        :param str | None field_name: the phone field that was clicked; without it all numbers of
            the record, its contact, and that contact's company and people are offered
        :param str | None choice: the ``key`` of the number that the user chose
        :param int | None list_item_id: the entry of the user's call list that this call is for
        :param dict | None options: the rep's other choices, see ``ccp_dialer.Options``
        :return: see ``ccp.callable.mixin.action_ccp_call``; or a question to answer first:
            ``{"companies": [{"id", "name"}]}`` if the record has no company and several can call;
            ``{"choices": [{"key", "owner", "label", "phone"}]}`` if there are several numbers and
            none was chosen; ``{"record": {"default", "announced"}}``, also together with the
            choices, if the call flow leaves recording to the rep; ``{"doubtful": {"sentence",
            "number"}}`` if the number may be another country's; ``{"override": {"sentence"}}``
            if a house rule forbids the call and the user may override it with a reason
        :rtype: dict
        :raise UserError: when no call was placed
        :raise AccessError: when the user may not call, or may not read the record
        """
        self.env.user._ccp_check_may_call()
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
        company = record._ccp_company(options.company_id)
        if options.callback_id and not (choice or field_name):
            choice = self._choice_of_callback(record, options.callback_id)
        choices = [] if choice else record._ccp_number_choices(company, field_name)
        questions = dialer._questions(record, choices, options)
        if questions:
            return questions
        if choices and not field_name:
            choice = choices[0]["key"]
        try:
            return self._dial(record, field_name, choice=choice, list_item=item, options=options)
        except UserError as error:
            question = doubt_question(error) or dialer._override_question(error)
            if not question:
                raise
            return question

    def _about(self):
        """Return what part of the configuration a refused call is about.

        :return: a key of ``ccp.airtel.const.ABOUT``
        :rtype: str
        """
        self.ensure_one()
        return const.about(self.refusal_code or "", self.request_ids[:1].status)
