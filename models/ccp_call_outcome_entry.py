from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command


class CcpCall(models.Model):
    """What people write on a call: the same code for the panel and the form."""

    _inherit = "ccp.call"

    blacklist_ids = fields.Many2many(
        "phone.blacklist",
        "ccp_call_blacklist_rel",
        "call_id",
        "blacklist_id",
        "Blacklisted by its outcome",
        readonly=True,
        groups=fields.NO_ACCESS,
        help="The blacklist entries that this call's outcome made.",
    )

    change_ids = fields.One2many("ccp.call.change", "call_id", "Changes", readonly=True)
    may_be_changed = fields.Boolean(
        compute="_compute_may_be_changed",
        help="Whether the current user may change outcome, note and record.",
    )

    @api.depends("erased", "user_id", "direction")
    @api.depends_context("uid")
    def _compute_may_be_changed(self):
        for call in self:
            call.may_be_changed = not call.erased and call._may_be_written()

    def _may_be_written(self):
        """Return whether the current user may write outcome, note and record of this call.

        :rtype: bool
        """
        self.ensure_one()
        call = self.sudo()
        if call.user_id == self.env.user:
            return self.env.user.has_group("airtel_ccp.group_ccp_user")
        if call._is_reported_incoming() and not call.user_id:
            # Nobody took the call: everybody who sees it may write on it
            return self.env.user.has_group("airtel_ccp.group_ccp_user") and self.has_access("read")
        return self.env.user.has_group("airtel_ccp.group_ccp_manager") and self.has_access("read")

    def _check_entry(self):
        """Check that the current user may write on this call, and that it was not erased.

        :raise AccessError: for anybody but its agent and the managers who may see it; on an
            incoming call that nobody took, everybody who may see it may write
        :raise UserError: when the call's data were erased
        """
        if not self._may_be_written():
            raise AccessError(
                self.env._(
                    "Only the agent of a call and managers of calls may change it: ask one of them."
                )
            )
        self._check_not_erased()

    def _check_not_erased(self):
        """Check that this call's data were not erased.

        :raise UserError: when the call's data were erased
        """
        if self.sudo().erased:
            raise UserError(
                self.env._("This call was erased on request, so it can no longer be changed.")
            )

    def _write_outcome(self, outcome_id, confirmed=False):
        """Set the outcome of a call, and do once what follows from it.

        Another outcome undoes the effects of the former one, as far as they can be undone.

        :param int | bool outcome_id: an outcome that the call's company offers, or False
        :param bool confirmed: whether the user agreed that a number is never called again
        :return: ``{"outcome_id": int | bool, "warning": str, "notice": str}``: the call's outcome
            now, what could not be done, and what else was done; with ``"confirm"``, a question,
            nothing is saved yet
        :rtype: dict
        :raise AccessError: see ``_check_entry``
        :raise UserError: when the outcome is not offered any more, or the call was erased
        """
        self._check_entry()
        call = self.sudo()
        former = call.outcome_id
        answer = {"outcome_id": former.id, "warning": "", "notice": ""}
        outcome = call._chosen_outcome(outcome_id)
        if outcome == former:
            return answer
        question = "" if confirmed else call._outcome_question(outcome)
        if question:
            return {**answer, "confirm": question}
        notices = former._take_back(call)
        warnings = former._left_by(call)
        call.outcome_id = outcome
        call._log_change("outcome", former.name, outcome.name)
        # Before the outcome: it would mistake a call that the outcome plans for the one just made
        call._consume_activity_or_later()
        if outcome:
            done, failed = outcome.with_user(self.env.user)._apply(call)
            notices += done
            warnings += failed
        call._notify_entry()
        return {
            "outcome_id": outcome.id,
            "warning": " ".join(warnings),
            "notice": " ".join(notices),
        }

    def _chosen_outcome(self, outcome_id):
        """Return the outcome that somebody chose for this call; empty if they removed it.

        :param int | bool outcome_id: what a browser sent
        :return: a ``ccp.call.outcome``, as superuser
        :raise UserError: when the call's company does not offer it
        """
        offered = self.company_id._ccp_outcomes() | self.outcome_id
        outcome = offered.filtered(lambda each: each.id == outcome_id)
        if outcome_id and not outcome:
            raise UserError(self.env._("This outcome is not offered any more: choose another one."))
        return outcome

    def _outcome_question(self, outcome):
        """Return the question before this call gets an outcome, "" if there is none.

        :param outcome: see ``_chosen_outcome``
        :rtype: str
        """
        if not outcome.blacklist or outcome == self.outcome_id:
            return ""
        return outcome._blacklist_question(self)

    def _others_blacklisted(self, entries):
        """Return those blacklist entries that other calls' outcomes added.

        :param entries: ``phone.blacklist`` records
        :rtype: odoo.models.BaseModel
        """
        others = self.sudo().browse()
        if entries:
            others = others.search([("blacklist_ids", "in", entries.ids), ("id", "!=", self.id)])
        return others.blacklist_ids & entries

    def _write_note(self, note):
        """Save a note that was written on the call's form.

        :param str | bool note: plain text
        :raise AccessError: see ``_check_entry``
        :raise UserError: when the call was erased
        """
        self._check_entry()
        call = self.sudo()
        if (call.note or "") == (note or ""):
            return
        call.note = note or False
        call._log_change("note")
        call._notify_entry()

    def _log_change(self, kind, before="", after=""):
        """Log who changed what is written on this call.

        The agent's first entries, and notes during the call, are not logged as changes.

        :param str kind: see ``ccp.call.change``
        :param str before: the former value, in words
        :param str after: the new value, in words
        """
        is_own = self.env.user == self.user_id
        if is_own and (kind == "note" or (kind == "outcome" and not before)):
            return
        self.write(
            {
                "change_ids": [
                    Command.create(
                        {
                            "user_id": self.env.uid,
                            "kind": kind,
                            "before": before or False,
                            "after": after or False,
                        }
                    )
                ]
            }
        )
