import re
from datetime import timezone

from odoo import api, fields, models
from odoo.tools import format_time, get_lang

from odoo.addons.mail.tools.discuss import Store

from ..ccp import number

CARD_TEMPLATE = "airtel_ccp.call_card"
# Says of a line that ended only that it ended, or by whom, which is told in words
NORMAL_CAUSE = re.compile(r"normal|^(system|user)_initiated$", re.IGNORECASE)
TIMELINE_TEMPLATE = "airtel_ccp.call_timeline"


class CcpCard(models.AbstractModel):
    """The words of a call: its chatter card, its notes and its timeline."""

    _name = "ccp.card"
    _description = "Tells a call in the chatter"

    @api.model
    def _update(self, call, story):
        """Bring the chatter up to date with a call, on its record and on its contact.

        A call that Airtel refused never began, so it gets no card.

        :param call: one ``ccp.call``
        :param ccp.timeline.Timeline story: what its reports say
        :return: the ``mail.message`` records that are new or changed
        :rtype: odoo.models.BaseModel
        """
        if call.state in ("queued", "refused") or call.erased:
            return self.env["mail.message"]
        agent = call.user_id
        card = self.with_context(lang=get_lang(self.env, agent.lang).code, tz=agent.tz)
        notes = call.company_id.ccp_chatter_mode == "notes" and not call.card_message_ids
        if notes or call.noted_lines:
            return card._add_notes(call, story)
        return card._update_card(call, story)

    @api.model
    def _threads(self, call):
        """Return the records whose chatter tells this call.

        :rtype: list[odoo.models.BaseModel]
        """
        threads = [call._record(), call.partner_id]
        return list(
            {
                thread: None
                for thread in threads
                if hasattr(thread, "_message_log") and thread.exists()
            }
        )

    @api.model
    def _update_card(self, call, story):
        """Post the card, or write its new text into the messages that carry it."""
        body = self._card_html(call, story)
        messages = call.card_message_ids
        if not messages:
            messages = self._log_everywhere(call, body)
            call.card_message_ids = messages
            return messages
        stale = messages.filtered(lambda message: message.body != body)
        stale.body = body
        return stale

    @api.model
    def _store_data(self, call, messages):
        """Return messages as the web client keeps them, so that an open chatter shows them at once.

        :rtype: dict
        """
        store = Store(bus_channel=call.user_id)
        store.add(
            messages.sudo(),
            [
                Store.One("author_id", ["avatar_128", "name"], sudo=True),
                "body",
                "date",
                "message_type",
                "model",
                "res_id",
                Store.One("subtype_id", ["description"], sudo=True),
                Store.One("thread", [], as_thread=True),
            ],
        )
        return store.get_result()

    @api.model
    def _add_notes(self, call, story):
        """Post a note for each line of the timeline that has none yet."""
        noted = list(call.noted_lines or [])
        messages = self.env["mail.message"]
        for line in story.lines:
            key = "|".join((str(line.at), line.leg or "", line.what, line.detail))
            if key in noted:
                continue
            noted.append(key)
            body = self.env["ir.qweb"]._render(
                "airtel_ccp.call_note", {"line": self._line_values(call, line)}
            )
            messages |= self._log_everywhere(call, body)
        if messages:
            call.noted_lines = noted
            call.card_message_ids |= messages
        return messages

    @api.model
    def _log_everywhere(self, call, body):
        """Write the same note on every record that tells this call.

        :rtype: odoo.models.BaseModel
        """
        return self.env["mail.message"].union(
            *(self._log(call, thread, body) for thread in self._threads(call))
        )

    @api.model
    def _log(self, call, thread, body):
        """Write an internal note that sends no e-mail, in the agent's name.

        :rtype: odoo.models.BaseModel
        """
        return thread.with_context(lang=self.env.lang)._message_log(
            body=body, author_id=call.user_id.partner_id.id
        )

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
        if call.state != "ended":
            return "warning" if call.state in ("unknown", "refused") else "info"
        if call.result == "connected":
            return "success"
        return "danger" if call.result in ("failed", "no_report") else "warning"

    @api.model
    def _headline(self, call):
        """Return one sentence about how a call stands or ended.

        :rtype: str
        """
        _ = self.env._
        names = {"agent": call.user_id.name, "customer": call.customer_name}
        if call.state != "ended":
            return {
                "queued": _("The call is being sent to Airtel."),
                "refused": call.refusal or _("Airtel did not place the call."),
                "unknown": _("Airtel did not confirm the call."),
                "ringing_agent": _("Airtel is calling %(agent)s.", **names),
                "ringing_customer": _(
                    "%(agent)s picked up; Airtel is calling %(customer)s.", **names
                ),
                "in_call": _("Connected with %(customer)s.", **names),
            }[call.state]
        return {
            "connected": _(
                "Connected, talked for %(time)s.", time=call._format_seconds(call.talk_seconds)
            ),
            "agent_no_answer": _("%(agent)s did not pick up.", **names),
            "agent_busy": _("%(agent)s was busy.", **names),
            "agent_unreachable": _("%(agent)s could not be reached.", **names),
            "customer_no_answer": _("%(customer)s did not pick up.", **names),
            "customer_busy": _("%(customer)s was busy.", **names),
            "customer_unreachable": _("%(customer)s could not be reached.", **names),
            "customer_rejected": _("%(customer)s rejected the call.", **names),
            "canceled": _("%(agent)s hung up before %(customer)s picked up.", **names),
            "failed": _("The call failed at Airtel."),
            "no_report": _("Airtel sent no report of how this call ended."),
        }[call.result]

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
        texts = {
            "dialled": _("Calling %s", who),
            "ringing": _("The phone of %s rings", who),
            "answered": _("%s picked up", who),
            "busy": _("%s was busy", who),
            "no_answer": _("%s did not pick up", who),
            "unreachable": _("%s could not be reached", who),
            "rejected": _("%s rejected the call", who),
            "failed": _("The network lost %s", who),
            "hung_up": _("%s hung up", who)
            if line.leg and line.leg == call.hung_up_by
            else _("The line of %s ended", who),
            "recording_started": _("Recording started"),
            "recording_finished": _("Recording finished"),
            "keypad": _("%(who)s pressed %(keys)s", who=who, keys=line.detail),
            "cdr": _("Airtel's summary of the call arrived"),
            "api_error": _("Airtel reported a fault: %s", line.detail),
        }
        return texts.get(line.what) or _("Airtel reported: %s", line.detail or line.what)
