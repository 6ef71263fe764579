from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain

from ..ccp.safe import number
from ..models.utils import CLOSE, notice


class CcpErasure(models.TransientModel):
    """Erases one person's data from calls; anonymous rows stay, and so figures stay correct."""

    _name = "ccp.erasure"
    _description = "Erase a person's call data"

    partner_id = fields.Many2one(
        "res.partner", "Person", required=True, readonly=True, ondelete="cascade"
    )
    call_count = fields.Integer("Calls", compute="_compute_counts")
    recording_count = fields.Integer("Recordings", compute="_compute_counts")
    report_count = fields.Integer("Reports", compute="_compute_counts")
    message_count = fields.Integer("Chatter cards and notes", compute="_compute_counts")
    kept_count = fields.Integer("Marked to be kept forever", compute="_compute_counts")

    @api.constrains("partner_id")
    def _check_partner(self):
        self._ccp_check_named("partner_id")

    @api.depends("partner_id")
    def _compute_counts(self):
        for wizard in self:
            calls = wizard._calls()
            wizard.update(wizard._counts(calls))
            wizard.kept_count = len(calls.filtered("keep_forever"))

    def _check_manager(self):
        if not self.env.user.has_group("airtel_ccp.group_ccp_manager"):
            raise AccessError(
                self.env._(
                    "You may not erase call data: ask a manager of your company's calls to do it."
                )
            )

    def _calls(self):
        """Return the person's calls in the user's companies, as superuser.

        These are the calls of the contact, of its people and leads, and all calls with a number
        that one of them has or was called under.

        :rtype: odoo.models.BaseModel
        """
        self.ensure_one()
        people, leads = self.partner_id._ccp_family()
        calls = self.env["ccp.call"].sudo()
        own_companies = Domain("company_id", "in", self.env.user.company_ids.ids)
        found = calls.search(
            own_companies
            & (
                self.partner_id._ccp_domain(people, leads)
                | (Domain("res_model", "=", "res.partner") & Domain("res_id", "in", people.ids))
                | (Domain("res_model", "=", "crm.lead") & Domain("res_id", "in", leads.ids))
            )
        )
        numbers = self._numbers(found, people, leads)
        return found | calls.search(own_companies & calls._numbers_domain("customer", numbers))

    @api.model
    def _numbers(self, calls, people, leads):
        """Return the numbers under which the person was called, and the person's present ones.

        :param calls: the person's ``ccp.call`` records
        :param people: the person and its people
        :param leads: their leads
        :return: ten digits each
        :rtype: set[str]
        """
        numbers = set(calls._customer_numbers())
        for record in (*people, *leads):
            numbers.update(number.candidates(record.phone or ""))
        return numbers

    def _counts(self, calls):
        """Return how much of each kind there is to erase.

        :rtype: dict[str, int]
        """
        return {
            "call_count": len(calls),
            "recording_count": len(calls.recording_id),
            "report_count": len(calls.event_ids),
            "message_count": len(calls.card_message_ids),
        }

    def action_erase(self):
        """Erase the data, and log the erasure.

        :return: an action that closes the dialog and shows how much was erased
        :rtype: dict
        :raise AccessError: when the user is not a manager of calls, or may not read the contact
        :raise UserError: while a call with the person is live, or past calls are being imported
        """
        self.ensure_one()
        self._check_manager()
        self.partner_id.check_access("read")
        calls = self._calls()
        if calls.filtered("live"):
            raise UserError(
                self.env._("A call with this person is not over yet: erase when it has ended.")
            )
        if self._imports(self.env.user.company_ids).filtered(lambda each: each.state == "saving"):
            raise UserError(
                self.env._(
                    "Past calls are being imported, and this person may be among them: erase when "
                    "the import has ended."
                )
            )
        totals = self._counts(calls)
        for company in calls.company_id:
            of_company = calls.filtered(lambda call: call.company_id == company)  # noqa: B023
            self.env["ccp.erasure.log"].sudo().create(
                {
                    "user_id": self.env.uid,
                    "company_id": company.id,
                    "partner_reference": self.partner_id.id,
                    **self._counts(of_company),
                }
            )
        self._erase(calls)
        sentence = self.env._(
            "Erased. Calls: %(calls)s, recordings: %(recordings)s, reports: %(reports)s, "
            "chatter cards and notes: %(messages)s.",
            calls=totals["call_count"],
            recordings=totals["recording_count"],
            reports=totals["report_count"],
            messages=totals["message_count"],
        )
        return notice(sentence, "success", then=CLOSE)

    def _erase(self, calls):
        """Remove all that identifies the person: sound, reports, cards, numbers, names, texts.

        Numbers on the phone blacklist stay there: only that keeps them from being called again.
        """
        self._erase_traces(calls)
        calls._delete_copies()
        calls.recording_id.unlink()
        calls.event_ids.unlink()
        calls.request_ids.unlink()
        calls.change_ids.unlink()
        calls.filtered(lambda call: call.recording_state != "none").recording_state = "erased"
        for call in calls:
            call.erased_ids = call._id_digests() or call.erased_ids
        calls.write(
            {
                "erased": True,
                "reports_deleted": True,
                "keep_forever": False,
                "customer_name": self.env._("Erased"),
                "res_model": False,
                "res_id": False,
                "partner_id": False,
                "lead_id": False,
                "list_item_id": False,
                "activity_id": False,
                "blacklist_ids": False,
                "customer_number": False,
                "customer_second_number": False,
                "customer_further_numbers": False,
                "customer_operator": False,
                "customer_circle": False,
                "customer_cause": False,
                "agent_cause": False,
                "note": False,
                "refusal": False,
                "overridden": False,
                "override_reason": False,
                "activity_message_ids": False,
                "dialled": False,
                "route_about": False,
                "route_candidates": False,
                "noted_lines": False,
                "correlation_id": False,
                "session_id": False,
                "token_digest": False,
                "header_digest": False,
                "recording_url": False,
                "recording_next_date": False,
                "recording_asked_date": False,
                "recording_expiry": False,
                "recording_error": False,
            }
        )

    def _erase_traces(self, calls):
        """Delete traces of the person outside the calls: lists, dialogs, imports, reports, changes.

        :param calls: the person's ``ccp.call`` records
        """
        companies = self.env.user.company_ids
        people, leads = self.partner_id._ccp_family()
        of_person = Domain("res_model", "=", "res.partner") & Domain("res_id", "in", people.ids)
        of_person |= Domain("res_model", "=", "crm.lead") & Domain("res_id", "in", leads.ids)
        own_users = Domain("user_id.company_id", "in", companies.ids)
        items = self.env["ccp.call.list.item"].sudo().search(of_person & own_users)
        (items | calls.list_item_id).unlink()
        self.env["ccp.manual.call"].sudo().search(of_person).unlink()
        # One person cannot be removed from a file, so all of it goes
        self._imports(companies).unlink()
        names = {record.display_name for record in (*people, *leads)}
        changes = calls.change_ids.search(
            Domain("kind", "=", "record")
            & (Domain("before", "in", names) | Domain("after", "in", names))
            & Domain("call_id.company_id", "in", companies.ids)
        )
        for side in ("before", "after"):
            changes.filtered(lambda each: each[side] in names)[side] = False  # noqa: B023
        ids = {each[name] for each in calls for name in ("correlation_id", "session_id")}
        reports = calls.browse().event_ids
        words = self._numbers(calls, people, leads) | set(filter(None, ids))
        reports._erase_unmatched(companies, words)
        reports._erase_spooled(companies, calls, words)

    def _imports(self, companies):
        """Return unfinished imports of past calls of some companies."""
        return self.env["ccp.history.import"].sudo().search([("company_id", "in", companies.ids)])
