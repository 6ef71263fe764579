import functools
from collections import defaultdict

from odoo import api, models
from odoo.tools import SQL
from odoo.tools.mail import generate_tracking_message_id
from odoo.tools.misc import clean_context

from .ccp_call_card import MAX_LINES

# The stored text of a card depends on these fields and on the call's reports
CARD_FIELDS = frozenset(
    {
        *("state", "result", "talk_seconds", "recording_state"),
        *("user_id", "ringing_user_ids", "missed_user_ids"),
    }
)


class CcpCall(models.Model):
    """Writes the chatter cards and notes of calls on their records and contacts."""

    _inherit = "ccp.call"

    def _update_card(self, story):
        """Bring the chatter up to date with one call, on its record and on its contact.

        :param ccp.call.timeline.Timeline story: the call's timeline
        :return: the ``mail.message`` records whose appearance changed
        :rtype: odoo.models.BaseModel
        """
        return self._update_cards({self: story}, self._records())[self]

    def _update_cards(self, stories, records, changes=None, news=()):
        """Bring the chatter up to date with these calls, on their records and on their contacts.

        A call that Airtel refused never began, so it gets no card; neither does an imported call. A
        card's text is stored when the call begins and when its headline changes; readers see the
        newest story in any case.

        :param dict stories: by call: its ``ccp.call.timeline.Timeline``
        :param dict records: by call: the record that was called, see ``_records``
        :param dict | None changes: by call: the values that new reports changed; by default all
            stored texts are written again
        :param news: the calls whose story new reports may have extended
        :return: by call: the ``mail.message`` records whose appearance changed
        :rtype: dict
        """
        messages = dict.fromkeys(self, self.env["mail.message"])
        fresh, stale, notes = [], [], {}
        for call in self:
            story = stories[call]
            if call.state in ("queued", "refused") or call.erased or call.imported:
                continue
            carriers = call.card_message_ids
            if call.noted_lines or (call.company_id.ccp_chatter_mode == "notes" and not carriers):
                if new := call._new_notes(story):
                    notes[call] = new
            elif not carriers:
                fresh.append(call)
            elif changes is None or not CARD_FIELDS.isdisjoint(changes[call]):
                stale.append(call)
                messages[call] = carriers
                if changes and "user_id" in changes[call]:
                    carriers.sudo().write(call._author_values())
            elif call in news:
                messages[call] = carriers
        threads = self.browse().union(*fresh, *notes)._threads(records)
        texts = [
            (call, thread, note)
            for call, new in notes.items()
            for thread in threads[call]
            for note in new
        ]
        fresh = {call: threads[call] for call in fresh}
        texts += self._write_cards(stories, fresh, stale, are_old=changes is not None)
        return messages | self._post_notes(texts)

    @api.model
    def _write_cards(self, stories, fresh, stale, are_old):
        """Rewrite the stored text of cards, and return the text of new ones.

        :param dict stories: by call: its ``ccp.call.timeline.Timeline``
        :param dict fresh: by call without a card: the records that get one
        :param list stale: calls whose cards get a new text
        :param bool are_old: whether the stored texts are known to be out of date
        :return: for each new card the call, its record and the HTML
        :rtype: list[tuple]
        """
        # Where a card is posted matters only if the call hides its note from some readers
        carriers = {
            message: (call, message.model, message.res_id)
            for call in stale
            if call.note or call.outcome_id
            for message in call.card_message_ids
        }
        places = [(call, each._name, each.id) for call in fresh for each in fresh[call]]
        opened = self._open_places([*places, *carriers.values()])

        @functools.cache
        def body(call, has_note):
            return call._card_body(stories[call], has_note)

        for call in stale:
            messages = call.card_message_ids
            with_note = messages.filtered(lambda each: carriers.get(each) in opened)
            for some, has_note in ((with_note, True), (messages - with_note, False)):
                if some:
                    self._rewrite_card(some, body(call, has_note), are_old)
        return [
            (call, thread, body(call, (call, thread._name, thread.id) in opened))
            for call, threads in fresh.items()
            for thread in threads
        ]

    @api.model
    def _rewrite_card(self, messages, body, are_old):
        """Write a card's text into its messages, unless they have it already.

        :param messages: ``mail.message`` records
        :param markupsafe.Markup body: the text
        :param bool are_old: whether they are known to differ, which saves reading them
        """
        if not are_old:
            clean = messages._fields["body"].convert_to_cache(body, messages)
            messages = messages.filtered(lambda message: message.body != clean)
        messages.body = body

    def _threads(self, records):
        """Return the records whose chatter shows these calls: the called one, and its contact.

        :param dict records: by call: the record that was called, see ``_records``
        :return: by call: records of any models that have a chatter, each once
        :rtype: dict[odoo.models.BaseModel, list]
        """
        contacts = self.partner_id.exists()
        return {
            call: [
                thread
                for thread in dict.fromkeys((records[call], call.partner_id & contacts))
                if thread and hasattr(thread, "_message_log")
            ]
            for call in self
        }

    def _new_notes(self, story):
        """Return notes for those lines of a story that the chatter lacks, and mark them as written.

        :param ccp.call.timeline.Timeline story: the call's timeline
        :return: HTML, in the language of the call's company
        :rtype: list[markupsafe.Markup]
        """
        call = self._in_company_language()
        noted = list(call.noted_lines or [])
        notes = []
        for line in story.lines:
            if len(noted) > MAX_LINES:
                break
            key = "|".join((str(line.at), line.leg or "", line.what, line.detail))
            if key not in noted:
                noted.append(key)
                values = {"line": call._line_values(line)}
                if len(noted) > MAX_LINES:
                    # A sender that loops must not fill a chatter
                    text = call.env._("Airtel reported more: see the call's own page")
                    values = {"line": {"offset": "", "text": text, "cause": "", "leg": ""}}
                notes.append(call._render("call_note", values))
        if notes:
            call.noted_lines = noted
        return notes

    @api.model
    def _post_notes(self, texts):
        """Post internal notes on records, in the agent's name and without e-mail.

        :param list texts: tuples of a call, the record that shows it, and HTML
        :return: by call: the new ``mail.message`` records
        :rtype: dict
        """
        by_model = defaultdict(list)
        for text in texts:
            by_model[text[1]._name].append(text)
        # Without the request's default_... values
        models = self.env(context=clean_context(self.env.context))
        messages, links = {}, []
        for model, some in by_model.items():
            # Odoo's _message_log_batch does the same, but takes one author only
            values = [call._note_values(thread, body) for call, thread, body in some]
            logged = models[model].sudo()._message_create(values).with_env(self.env)
            for (call, _thread, _body), message in zip(some, logged, strict=True):
                messages[call] = messages.get(call, logged.browse()) | message
                links.append((call.id, message.id))
        self._link_messages(links)
        return messages

    @api.model
    def _link_messages(self, links):
        """Store which messages show which call.

        This touches the call's row even if no value changes: a transaction with an older snapshot,
        which cannot see the messages, then fails with a serialization error and does not post the
        call a second time.

        :param list[tuple[int, int]] links: ids of calls and of messages
        """
        if not links:
            return
        self.env.execute_query(
            SQL(
                """
                WITH link AS (
                    INSERT INTO ccp_call_card_message_rel (call_id, message_id) VALUES %s
                    RETURNING call_id)
                UPDATE ccp_call call
                   SET write_date = now() AT TIME ZONE 'UTC'
                  FROM link
                 WHERE call.id = link.call_id
                """,
                SQL(", ").join(SQL("(%s, %s)", *link) for link in links),
            )
        )
        calls = self.browse({call_id for call_id, _message_id in links})
        calls.invalidate_recordset(["card_message_ids"])

    def _note_values(self, thread, body):
        """Return the values of one ``mail.message``, like Odoo's ``_message_log_batch``.

        :param thread: the record whose chatter gets the note
        :param markupsafe.Markup body: the note
        :rtype: dict
        """
        author = self._author_values()
        author_id, sender = author["author_id"], author["email_from"]
        reply_to = self.env["mail.thread"]._notify_get_reply_to(default=sender, author_id=author_id)
        return {
            **author,
            "model": thread._name,
            "res_id": thread.id,
            "record_alias_domain_id": False,
            "record_company_id": False,
            "body": body,
            "message_type": "notification",
            "is_internal": True,
            "subtype_id": self.env["ir.model.data"]._xmlid_to_res_id("mail.mt_note"),
            "email_add_signature": False,
            "message_id": generate_tracking_message_id("message-notify"),
            "reply_to": reply_to[False],
        }

    def _author_values(self):
        """Return the author of this call's notes: its agent.

        Notes of an incoming call that nobody took are written by the system.

        :rtype: dict
        """
        author = self.user_id.partner_id or self.env.ref("base.partner_root")
        return {"author_id": author.id, "email_from": author.email_formatted}
