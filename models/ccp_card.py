import functools
from collections import defaultdict

from odoo import api, fields, models
from odoo.tools import SQL, format_time
from odoo.tools.mail import generate_tracking_message_id

from .ccp_call_words import NORMAL_CAUSE

# What is stored of a card follows from these, and from the reports that are there then
CARD_FIELDS = frozenset({"state", "result", "talk_seconds", "recording_state"})


class CcpCard(models.AbstractModel):
    """Writes chatter cards and notes of calls, and lays out the timeline of a call's form."""

    _name = "ccp.card"
    _description = "Tells a call in the chatter"

    @api.model
    def _update(self, call, story):
        """Bring the chatter up to date with a call, on its record and on its contact.

        :param call: one ``ccp.call``
        :param ccp.timeline.Timeline story: what its reports say
        :return: the ``mail.message`` records that look different now
        :rtype: odoo.models.BaseModel
        """
        return self._update_each({call: story}, call._records())[call]

    @api.model
    def _update_each(self, stories, records, changes=None, news=()):
        """Bring the chatter up to date with calls, on their records and on their contacts.

        A call that Airtel refused never began, so it gets no card; an imported one is in the
        history only, whatever people write on it later. What is stored of a card is
        written when it begins and when what it says in one line changes; readers get the newest
        story anyway.

        :param dict stories: by ``ccp.call``: what its reports say, a ``ccp.timeline.Timeline``
        :param dict records: by call: the record that was called, see ``ccp.call._records``
        :param dict | None changes: by call: the values that new reports changed; by default all
            stored texts are brought up to date
        :param news: the calls to whose story new reports may have added
        :return: by call: the ``mail.message`` records that look different now
        :rtype: dict
        """
        messages = dict.fromkeys(stories, self.env["mail.message"])
        fresh, stale, notes = [], [], {}
        for call, story in stories.items():
            if call.state in ("queued", "refused") or call.erased or call.imported:
                continue
            carriers = call.card_message_ids
            if call.noted_lines or (call.company_id.ccp_chatter_mode == "notes" and not carriers):
                if new := self._new_notes(call, story):
                    notes[call] = new
            elif not carriers:
                fresh.append(call)
            elif changes is None or not CARD_FIELDS.isdisjoint(changes[call]):
                stale.append(call)
                messages[call] = carriers
            elif call in news:
                messages[call] = carriers
        threads = self._threads([*fresh, *notes], records)
        texts = [
            (call, thread, note)
            for call, new in notes.items()
            for thread in threads[call]
            for note in new
        ]
        texts += self._write_cards(stories, {call: threads[call] for call in fresh}, stale)
        return messages | self._log_each(texts)

    @api.model
    def _write_cards(self, stories, fresh, stale):
        """Write what is stored of cards.

        :param dict stories: by ``ccp.call``: what its reports say
        :param dict fresh: by call that has no card yet: the records that are to get one
        :param list stale: calls whose cards have to be written anew
        :return: for each new card the call, its record and the HTML
        :rtype: list[tuple]
        """
        # Where a card is matters only if there is something to keep from somebody
        carriers = {
            message: (call, message.model, message.res_id)
            for call in stale
            if call.note or call.outcome_id
            for message in call.card_message_ids
        }
        places = [(call, each._name, each.id) for call in fresh for each in fresh[call]]
        opened = self.env["ccp.call"]._open_places([*places, *carriers.values()])

        @functools.cache
        def body(call, has_note):
            return call._card_body(stories[call], has_note)

        for call in stale:
            messages = call.card_message_ids
            with_note = messages.filtered(lambda each: carriers.get(each) in opened)
            for some, has_note in ((with_note, True), (messages - with_note, False)):
                if some:
                    self._rewrite(some, body(call, has_note))
        return [
            (call, thread, body(call, (call, thread._name, thread.id) in opened))
            for call, threads in fresh.items()
            for thread in threads
        ]

    @api.model
    def _rewrite(self, messages, body):
        """Write a card's new text into the messages that carry it, if it is another one."""
        clean = messages._fields["body"].convert_to_cache(body, messages)
        messages.filtered(lambda message: message.body != clean).body = body

    @api.model
    def _threads(self, calls, records):
        """Return the records that tell of calls: the one that was called, and its contact.

        :param list calls: ``ccp.call`` records
        :param dict records: by call: the record that was called, see ``ccp.call._records``
        :return: by call: records of any models that have a chatter, each once
        :rtype: dict[odoo.models.BaseModel, list]
        """
        contacts = self.env["res.partner"].union(*(call.partner_id for call in calls)).exists()
        return {
            call: [
                thread
                for thread in dict.fromkeys((records[call], call.partner_id & contacts))
                if thread and hasattr(thread, "_message_log")
            ]
            for call in calls
        }

    @api.model
    def _new_notes(self, call, story):
        """Return the notes that a call's timeline has and its chatter lacks; they count as written.

        :return: HTML, in the language of the call's company
        :rtype: list[markupsafe.Markup]
        """
        call = call._in_company_language()
        noted = list(call.noted_lines or [])
        notes = []
        for line in story.lines:
            key = "|".join((str(line.at), line.leg or "", line.what, line.detail))
            if key not in noted:
                noted.append(key)
                values = {"line": call._line_values(line)}
                templates = self.env["ir.qweb"].with_env(call.env)
                notes.append(templates._render("airtel_ccp.call_note", values))
        if notes:
            call.noted_lines = noted
        return notes

    @api.model
    def _log_each(self, texts):
        """Write notes on records: internal, in the agent's name, no e-mail.

        :param list texts: tuples of a ``ccp.call``, the record that tells it, and HTML
        :return: by call: the new ``mail.message`` records
        :rtype: dict
        """
        by_model = defaultdict(list)
        for text in texts:
            by_model[text[1]._name].append(text)
        messages, links = {}, []
        for model, some in by_model.items():
            # As Odoo's _message_log_batch does, which knows but one author
            values = [self._note_values(*text) for text in some]
            logged = self.env[model].sudo()._message_create(values)
            for (call, _thread, _body), message in zip(some, logged, strict=True):
                messages[call] = messages.get(call, logged.browse()) | message
                links.append((call.id, message.id))
        self._link(links)
        return messages

    @api.model
    def _link(self, links):
        """Note which messages tell which call.

        The call's row changes with that, even where no value does: a transaction that began
        before, and so cannot see the messages, then fails instead of telling the call again.

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
        calls = self.env["ccp.call"].browse({call_id for call_id, _message_id in links})
        calls.invalidate_recordset(["card_message_ids"])

    @api.model
    def _note_values(self, call, thread, body):
        """Return the values of one ``mail.message``, those of Odoo's ``_message_log_batch``.

        :rtype: dict
        """
        author = call.user_id.partner_id
        sender = author.email_formatted
        reply_to = self.env["mail.thread"]._notify_get_reply_to(default=sender, author_id=author.id)
        return {
            "author_id": author.id,
            "email_from": sender,
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

    @api.model
    def _timeline_html(self, call):
        """Return the timeline that a call's form shows.

        :param call: one ``ccp.call``
        :rtype: markupsafe.Markup
        """
        story = call._timeline()
        # Whoever may see the call may see who took part, and the whole numbers
        known = call.sudo()
        values = {
            "call": known,
            "headline": known._headline(story),
            "tone": known.tone,
            "lines": [known._line_values(line) for line in story.lines],
            "legs": [
                {"role": self.env._("Agent"), "name": known._agent_name()},
                {"role": self.env._("Customer"), "name": known.customer_name},
            ],
            "facts": self._leg_facts(known),
        }
        return self.env["ir.qweb"]._render("airtel_ccp.call_timeline", values)

    @api.model
    def _leg_facts(self, call):
        """Return what is known of both lines of a call, for a table with a column for each.

        :param call: one ``ccp.call``
        :return: ``label`` and the ``values`` of agent and customer, where either has one
        :rtype: list[dict]
        """
        _ = self.env._

        def text(*parts):
            return ", ".join(filter(None, parts))

        def clock(moment):
            if not moment:
                return ""
            local = fields.Datetime.context_timestamp(self, moment)
            return format_time(self.env, local.time(), time_format="medium")

        facts = [
            (
                _("Phone"),
                text(*call._agent_numbers()),
                text(*call._customer_numbers()),
            ),
            (
                _("Network"),
                text(call.agent_operator, call.agent_circle),
                text(call.customer_operator, call.customer_circle),
            ),
            (_("Rang for"), call.agent_ring_time, call.customer_ring_time),
            (_("Picked up"), clock(call.agent_answer_date), clock(call.answer_date)),
            (_("End"), self._leg_end(call, "agent"), self._leg_end(call, "customer")),
        ]
        return [{"label": label, "values": values} for label, *values in facts if any(values)]

    @api.model
    def _leg_end(self, call, leg):
        """Say how one line of a call ended, beyond that it did.

        :param str leg: ``agent`` or ``customer``
        :rtype: str
        """
        cause = call[f"{leg}_cause"] or ""
        parts = [
            self.env._("Hung up first") if call.hung_up_by == leg else "",
            "" if NORMAL_CAUSE.search(cause) else cause,
        ]
        return ", ".join(filter(None, parts))
