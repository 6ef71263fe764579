import re
from collections import defaultdict
from datetime import timezone

from markupsafe import Markup

from odoo import api, fields, models
from odoo.tools import SQL, format_time, get_lang
from odoo.tools.mail import generate_tracking_message_id

from odoo.addons.mail.tools.discuss import Store

from ..ccp import number

CARD_TEMPLATE = "airtel_ccp.call_card"
# Says of a line that ended only that it ended, or by whom, which is told in words
NORMAL_CAUSE = re.compile(r"normal|^(system|user)_initiated$", re.IGNORECASE)
TIMELINE_TEMPLATE = "airtel_ccp.call_timeline"
_TAG = re.compile(r"<[^>]*>")
# Every tag that the card's template writes without an outcome, a note or a recording
_CARD_TAGS = frozenset(
    [
        *("</div>", "<strong>", "</strong>", "<span>", "</span>", "</ul>", "</li>"),
        '<div class="o_airtel_ccp_card">',
        '<div class="mb-1">',
        '<span class="text-muted ms-1">',
        '<span class="badge text-bg-info ms-1">',
        *(
            f'<div class="text-{tone} mb-1 o_airtel_ccp_headline">'
            for tone in ("warning", "info", "success", "danger", "secondary")
        ),
        '<ul class="o_airtel_ccp_lines list-unstyled mb-1">',
        '<li class="d-flex gap-2">',
        '<span class="text-muted text-end" style="min-width: 3rem">',
        '<span class="text-muted">',
    ]
)
# Odoo takes such texts for a quote, a signature or a picture; escaping never writes such entities
_MEANT_TEXT = re.compile(r"\n&gt;|--|base64|&(?!amp;|lt;|gt;|#34;|#39;)")


def clean_card(html):
    """Return a card as Odoo's sanitizer would, where one can see what that is.

    A card is told again with each report, and reading it as HTML twice would be a third of all
    that this costs. So the sanitizer is spared a card that is made of nothing but the template's
    own tags and of text that means nothing to it; every other one has to go through it.

    :param markupsafe.Markup html: a rendered card, every outside text escaped
    :return: the clean card, or None where only the sanitizer can tell
    :rtype: markupsafe.Markup | None
    """
    text = html.strip()
    tags = _TAG.findall(text)
    if not _CARD_TAGS.issuperset(tags) or text.count(">") != len(tags):
        return None
    if not text.replace("\n", "").isprintable() or _MEANT_TEXT.search(text):
        return None
    text = str(text).replace('style="min-width: 3rem"', 'style="min-width:3rem"')
    return Markup(text.replace("&#39;", "'").replace("&#34;", '"'))  # noqa: S704 - escaped before


class CcpCard(models.AbstractModel):
    """The words of a call: its chatter card, its notes and its timeline."""

    _name = "ccp.card"
    _description = "Tells a call in the chatter"

    @api.model
    def _update(self, call, story):
        """Bring the chatter up to date with a call, on its record and on its contact.

        :param call: one ``ccp.call``
        :param ccp.timeline.Timeline story: what its reports say
        :return: the ``mail.message`` records that are new or changed
        :rtype: odoo.models.BaseModel
        """
        return self._update_each({call: story}, call._records())[call]

    @api.model
    def _update_each(self, stories, records):
        """Bring the chatter up to date with calls, on their records and on their contacts.

        A call that Airtel refused never began, so it gets no card.

        :param dict stories: by ``ccp.call``: what its reports say, a ``ccp.timeline.Timeline``
        :param dict records: by call: the record that was called, see ``ccp.call._records``
        :return: by call: the ``mail.message`` records that are new or changed
        :rtype: dict
        """
        messages = dict.fromkeys(stories, self.env["mail.message"])
        noted, bodies = {}, {}
        agents = self.env["res.users"].union(*(call.user_id for call in stories))
        cards = {agent: self._in_words_of(agent) for agent in agents}
        for call, story in stories.items():
            if call.state in ("queued", "refused") or call.erased:
                continue
            card = cards[call.user_id]
            carriers = call.card_message_ids
            if call.noted_lines or (call.company_id.ccp_chatter_mode == "notes" and not carriers):
                noted[call], bodies[call] = card._new_notes(call, story)
                continue
            body = card._card_html(call, story)
            if carriers:
                messages[call] = card._rewrite(carriers, body)
            else:
                bodies[call] = [body]
        for call, logged in self._log_each(bodies, records).items():
            messages[call] = logged
            if call in noted:
                call.noted_lines = noted[call]
        return messages

    @api.model
    def _in_words_of(self, agent):
        """Return this model in an agent's language and time zone."""
        return self.with_context(lang=get_lang(self.env, agent.lang).code, tz=agent.tz)

    @api.model
    def _rewrite(self, messages, body):
        """Write a card's new text into the messages that carry it, and return those it changed."""
        # As it is stored, or every card would differ from what was rendered
        body = clean_card(body) or messages._fields["body"].convert_to_cache(body, messages[:1])
        stale = messages.filtered(lambda message: message.body != body)
        self._put(stale, body)
        return stale

    @api.model
    def _put(self, messages, body):
        """Have messages tell a text that is clean, as Odoo's ``write`` does without looking.

        :param messages: ``mail.message`` records
        :param markupsafe.Markup body: what the sanitizer, or ``clean_card``, returned
        """
        if messages:
            messages._fields["body"]._update_cache(messages, body, dirty=True)
            messages.modified(["body"])

    @api.model
    def _store_data_each(self, messages):
        """Return messages as the web client keeps them, so that an open chatter shows them at once.

        :param dict messages: by ``ccp.call``: its ``mail.message`` records
        :return: by call that has any: the data
        :rtype: dict
        """
        # Who wrote a message, and what kind it is of, is the same for many
        groups = defaultdict(dict)
        for call, own in messages.items():
            if own:
                own = own.sudo()
                groups[call.user_id, own.author_id, own.subtype_id][call] = own
        found = {}
        everything = self.env["mail.message"].union(*messages.values())
        for (agent, _authors, _subtypes), by_call in groups.items():
            some = everything.browse().union(*by_call.values()).with_prefetch(everything._ids)
            data = self._store_data(agent, some)
            told = {each["id"]: each for each in data["mail.message"]}
            for call, own in by_call.items():
                found[call] = {**data, "mail.message": [told[each.id] for each in own]}
        return found

    @api.model
    def _store_data(self, agent, messages):
        """Return messages as the web client of an agent keeps them.

        :param agent: one ``res.users``
        :param messages: ``mail.message`` records
        :rtype: dict
        """
        messages = messages.sudo()
        store = Store(bus_channel=agent)
        # One tells author and kind for all that share them, which then need but the ids
        telling = {(each.author_id, each.subtype_id): each for each in messages}
        store.add(
            messages.browse().union(*telling.values()),
            [
                Store.One("author_id", ["avatar_128", "name"], sudo=True),
                Store.One("subtype_id", ["description"], sudo=True),
            ],
        )
        store.add(
            messages,
            [
                Store.Attr("author_id", lambda message: message.author_id.id),
                "body",
                "date",
                "message_type",
                "model",
                "res_id",
                Store.Attr("subtype_id", lambda message: message.subtype_id.id),
                Store.One("thread", [], as_thread=True),
            ],
        )
        return store.get_result()

    @api.model
    def _new_notes(self, call, story):
        """Return the lines of the timeline that have a note then, and the notes that lack.

        :return: names of lines, and the notes as HTML
        :rtype: tuple[list[str], list[markupsafe.Markup]]
        """
        noted = list(call.noted_lines or [])
        notes = []
        for line in story.lines:
            key = "|".join((str(line.at), line.leg or "", line.what, line.detail))
            if key in noted:
                continue
            noted.append(key)
            values = {"line": self._line_values(call, line)}
            notes.append(self.env["ir.qweb"]._render("airtel_ccp.call_note", values))
        return noted, notes

    @api.model
    def _log_each(self, bodies, records):
        """Write notes on every record that tells a call: internal, in the agent's name, no e-mail.

        :param dict bodies: by call: the notes as HTML
        :param dict records: by call: the record that was called, see ``ccp.call._records``
        :return: by call: the new ``mail.message`` records, for calls that have any
        :rtype: dict
        """
        contacts = self.env["res.partner"].union(*(call.partner_id for call in bodies)).exists()
        owners, values = defaultdict(list), defaultdict(list)
        for call, notes in bodies.items():
            # Each once, where the contact itself was called
            threads = {records[call]: None, call.partner_id & contacts: None}
            for thread in threads:
                if not thread or not hasattr(thread, "_message_log"):
                    continue
                for body in notes:
                    # What is clean is put in afterwards, past the sanitizer. That is a statement
                    # more, which for one call costs as much as is saved
                    clean = clean_card(body) if len(bodies) > 1 else None
                    owners[thread._name].append((call, clean))
                    values[thread._name].append(
                        self._note_values(call, thread, "" if clean else body)
                    )
        messages, links = {}, []
        for model, notes in values.items():
            # As Odoo's _message_log_batch does, which knows but one author
            logged = self.env[model].sudo()._message_create(notes)
            for (call, clean), message in zip(owners[model], logged, strict=True):
                if clean:
                    self._put(message, clean)
                messages[call] = messages.get(call, logged.browse()) | message
                links.append((call.id, message.id))
        self._link(links)
        return {
            call: own.with_prefetch([message_id for _call_id, message_id in links])
            for call, own in messages.items()
        }

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
    def _card_html(self, call, story):
        """Return the card as HTML, every outside text escaped.

        :rtype: markupsafe.Markup
        """
        return self.env["ir.qweb"]._render(CARD_TEMPLATE, self._values(call, story))

    @api.model
    def _timeline_html(self, call):
        """Return the timeline that a call's form shows.

        :param call: one ``ccp.call``
        :rtype: markupsafe.Markup
        """
        story = self.env["ccp.folder"]._timeline(call)
        # Whoever may see the call may see who took part, and the whole numbers
        known = call.sudo()
        values = {
            **self._values(known, story),
            "legs": [
                {"role": self.env._("Agent"), "name": known.user_id.name},
                {"role": self.env._("Customer"), "name": known.customer_name},
            ],
            "facts": self._leg_facts(known),
        }
        return self.env["ir.qweb"]._render(TIMELINE_TEMPLATE, values)

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
                text(call.agent_number, call.agent_second_number),
                text(call.customer_number, call.customer_second_number),
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

    @api.model
    def _values(self, call, story):
        """Return what the templates need to know about a call."""
        return {
            "call": call,
            "customer": call.customer_name,
            "phone": number.mask(call.customer_number or ""),
            "headline": self._headline(call),
            "tone": self._tone(call),
            "lines": [self._line_values(call, line) for line in story.lines],
            "outcome": call.outcome_id.name or "",
            "note": call.note or "",
            "manual": call.manual,
            "has_recording": call.recording_state in ("pending", "stored"),
        }

    @api.model
    def _tone(self, call):
        """Return the colour name of a call's state or result."""
        return call.tone

    @api.model
    def _headline(self, call):
        """Return one sentence about how a call stands or ended.

        :rtype: str
        """
        _ = self.env._
        # Functions, so that only the sentence that is needed gets translated
        names = {"agent": call.user_id.name, "customer": call.customer_name}
        if call.state != "ended":
            return {
                "queued": lambda: _("The call is being sent to Airtel."),
                "refused": lambda: call.refusal or _("Airtel did not place the call."),
                "unknown": lambda: _("Airtel did not confirm the call."),
                "ringing_agent": lambda: _("Airtel is calling %(agent)s.", **names),
                "ringing_customer": lambda: _(
                    "%(agent)s picked up; Airtel is calling %(customer)s.", **names
                ),
                "in_call": lambda: _("Connected with %(customer)s.", **names),
            }[call.state]()
        return {
            "connected": lambda: _(
                "Connected, talked for %(time)s.", time=call._format_seconds(call.talk_seconds)
            ),
            "agent_no_answer": lambda: _("%(agent)s did not pick up.", **names),
            "agent_busy": lambda: _("%(agent)s was busy.", **names),
            "agent_unreachable": lambda: _("%(agent)s could not be reached.", **names),
            "customer_no_answer": lambda: _("%(customer)s did not pick up.", **names),
            "customer_busy": lambda: _("%(customer)s was busy.", **names),
            "customer_unreachable": lambda: _("%(customer)s could not be reached.", **names),
            "customer_rejected": lambda: _("%(customer)s rejected the call.", **names),
            "canceled": lambda: _("%(agent)s hung up before %(customer)s picked up.", **names),
            "failed": lambda: _("The call failed at Airtel."),
            "no_report": lambda: _("Airtel sent no report of how this call ended."),
        }[call.result]()

    @api.model
    def _line_values(self, call, line):
        """Return one line of the timeline in words.

        :rtype: dict
        """
        offset = ""
        if line.at:
            start = call.start_date.replace(tzinfo=timezone.utc)
            offset = call._format_seconds(max(0, round((line.at - start).total_seconds())))
        return {
            "offset": offset,
            "text": self._line_text(call, line),
            "cause": "" if NORMAL_CAUSE.search(line.cause) else line.cause,
            "leg": line.leg or "",
        }

    @api.model
    def _line_text(self, call, line):
        """Say what happened, and to whom.

        :rtype: str
        """
        _ = self.env._
        who = {
            "agent": call.user_id.name,
            "customer": call.customer_name,
        }.get(line.leg, _("Somebody"))
        # Functions, so that only the text that is needed gets translated
        texts = {
            "dialled": lambda: _("Calling %s", who),
            "ringing": lambda: _("The phone of %s rings", who),
            "answered": lambda: _("%s picked up", who),
            "busy": lambda: _("%s was busy", who),
            "no_answer": lambda: _("%s did not pick up", who),
            "unreachable": lambda: _("%s could not be reached", who),
            "rejected": lambda: _("%s rejected the call", who),
            "failed": lambda: _("The network lost %s", who),
            "hung_up": lambda: (
                _("%s hung up", who)
                if line.leg and line.leg == call.hung_up_by
                else _("The line of %s ended", who)
            ),
            "recording_started": lambda: _("Recording started"),
            "recording_finished": lambda: _("Recording finished"),
            "keypad": lambda: _("%(who)s pressed %(keys)s", who=who, keys=line.detail),
            "cdr": lambda: _("Airtel's summary of the call arrived"),
            "api_error": lambda: _("Airtel reported a fault: %s", line.detail),
        }
        if line.what in texts:
            return texts[line.what]()
        return _("Airtel reported: %s", line.detail or line.what)
