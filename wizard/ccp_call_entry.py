from odoo import api, fields, models
from odoo.exceptions import UserError

from ..models.ccp_call_bounds import check_note
from ..models.utils import CLOSE, form_of, notice


class CcpCallEntry(models.TransientModel):
    """The dialog for outcome and note of a call, on its form, even long after the call ended."""

    _name = "ccp.call.entry"
    _description = "Outcome and note of a call"

    call_id = fields.Many2one("ccp.call", required=True, readonly=True, ondelete="cascade")
    # With the user's own rights: a user who may not write on a call may not know its company
    company_id = fields.Many2one(related="call_id.company_id", related_sudo=False)
    outcome_id = fields.Many2one(
        "ccp.call.outcome", domain="[('company_id', 'in', (False, company_id))]"
    )
    note = fields.Text()
    note_before = fields.Text("Note when the dialog was opened", readonly=True)
    question = fields.Char(readonly=True)

    @api.constrains("call_id")
    def _check_call(self):
        # Odoo runs constraints with superuser rights
        for entry in self.sudo(False):
            # Checked because the name of a call contains its customer's name
            entry.call_id._check_entry()

    @api.constrains("outcome_id")
    def _check_outcome(self):
        self._ccp_check_named("outcome_id")

    @api.constrains("note")
    def _check_note_length(self):
        for entry in self:
            # A longer note from before the limit may stay unchanged
            if entry.note != entry.call_id.note:
                check_note(self.env, entry.note)

    @api.model
    def default_get(self, fields):
        """Start with the call's present outcome and note, if the user may write on the call.

        :raise AccessError: for anybody but the call's agent and managers of calls who may see it
        :raise UserError: when the call was erased
        """
        self.env.user._ccp_check_may_call()
        values = super().default_get(fields)
        call = self.env["ccp.call"].browse(values.get("call_id")).exists()
        if call:
            call._check_entry()
            values.update(
                outcome_id=call.outcome_id.id,
                note=call.note or False,
                note_before=call.note or False,
            )
        return {name: value for name, value in values.items() if name in fields}

    def action_save(self):
        """Write outcome and note on the call, or ask first whether to blacklist.

        :return: an action that closes the dialog and shows what was done, or shows the question
        :rtype: dict
        :raise AccessError: for anybody but the call's agent and managers of calls who may see it
        :raise UserError: when the call was erased, the outcome is not offered, or somebody else
            changed the note meanwhile
        """
        return self._save(confirmed=False)

    def action_confirm(self):
        """Write outcome and note on the call, after the user confirmed the question.

        :return: see ``action_save``
        :rtype: dict
        :raise AccessError: see ``action_save``
        :raise UserError: see ``action_save``
        """
        return self._save(confirmed=bool(self.question))

    def _save(self, confirmed):
        self.ensure_one()
        call = self.call_id
        call._check_entry()
        current = call.note or ""
        if current not in (self.note_before or "", self.note or ""):
            raise UserError(
                self.env._(
                    "Somebody changed this note meanwhile: copy yours, close this dialog, open it "
                    "again and add what is missing."
                )
            )
        chosen = call.sudo()._chosen_outcome(self.outcome_id.id)
        question = "" if confirmed else call.sudo()._outcome_question(chosen)
        if question:
            self.question = question
            return form_of(self, self.env._("Outcome and note"))
        # The note first: the outcome's activity shows it
        call._write_note(self.note)
        answer = call._write_outcome(chosen.id, confirmed=True)
        sentences = [answer["notice"], answer["warning"]]
        if not any(sentences):
            return dict(CLOSE)
        kind = "warning" if answer["warning"] else "success"
        return notice(" ".join(filter(None, sentences)), kind, then=CLOSE)
