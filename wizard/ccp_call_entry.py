from odoo import api, fields, models
from odoo.exceptions import UserError

from ..models.utils import CLOSE, form_of, notice


class CcpCallEntry(models.TransientModel):
    """Outcome and note of a call, written on its form, also long after it ended."""

    _name = "ccp.call.entry"
    _description = "Outcome and note of a call"

    call_id = fields.Many2one("ccp.call", required=True, readonly=True, ondelete="cascade")
    # In the user's own name, as whoever may not write on a call may not know whose it is
    company_id = fields.Many2one(related="call_id.company_id", related_sudo=False)
    outcome_id = fields.Many2one(
        "ccp.call.outcome", domain="[('company_id', 'in', (False, company_id))]"
    )
    note = fields.Text()
    note_before = fields.Text("Note when the dialog was opened", readonly=True)
    question = fields.Char(readonly=True)

    @api.constrains("call_id")
    def _check_call(self):
        for entry in self:
            # The name of a call names its customer
            entry.call_id._check_entry()

    @api.model
    def default_get(self, fields):
        """Begin with what the call has, if the user may write on it.

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

        :return: an action that closes the dialog and says what was done, or shows the question
        :rtype: dict
        :raise AccessError: for anybody but the call's agent and managers of calls who may see it
        :raise UserError: when the call was erased, the outcome is not offered, or somebody wrote
            another note meanwhile
        """
        return self._save(confirmed=False)

    def action_confirm(self):
        """Write outcome and note on the call; the user agreed to what was asked.

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
        # The note first, which the outcome's activity shows
        call._write_note(self.note)
        answer = call._write_outcome(chosen.id, confirmed=True)
        sentences = [answer["notice"], answer["warning"]]
        if not any(sentences):
            return dict(CLOSE)
        kind = "warning" if answer["warning"] else "success"
        return notice(" ".join(filter(None, sentences)), kind, then=CLOSE)
