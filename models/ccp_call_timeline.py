from odoo import api, fields, models
from odoo.tools import format_time

from .ccp_call_words import NORMAL_CAUSE

# How many lines a call's form shows: two CDRs may hold hundreds of events
MAX_LINES = 300


class CcpCall(models.Model):
    """The timeline on a call's form, in the reader's language and time zone."""

    _inherit = "ccp.call"

    timeline_html = fields.Html("Timeline", compute="_compute_timeline_html", sanitize=False)

    @api.depends("event_ids", "state", "result")
    @api.depends_context("lang", "tz")
    def _compute_timeline_html(self):
        for call in self:
            call.timeline_html = call._render_timeline() if call.id else False

    def _render_timeline(self):
        """Return the timeline for the call's form.

        :rtype: markupsafe.Markup
        """
        story = self._timeline()
        # Every reader of a call may see its participants and their full numbers
        known = self.sudo()
        values = {
            "call": known,
            "headline": known._headline(story),
            "tone": known.tone,
            "lines": known._some_lines(
                story, MAX_LINES, lambda left_out: self.env._("%s more", left_out)
            ),
            "legs": [
                {"role": self.env._("Agent"), "name": known._agent_name()},
                {"role": self.env._("Customer"), "name": known.customer_name},
            ],
            "facts": known._leg_facts(),
        }
        return self._render("call_timeline", values)

    def _leg_facts(self):
        """Return the facts about both lines of the call, for a table with a column for each.

        :return: ``label`` and the ``values`` of agent and customer, if either has one
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
                text(*self._agent_numbers()),
                text(*self._customer_numbers()),
            ),
            (
                _("Network"),
                text(self.agent_operator, self.agent_circle),
                text(self.customer_operator, self.customer_circle),
            ),
            (_("Rang for"), self.agent_ring_time, self.customer_ring_time),
            (
                _("Picked up"),
                clock(self.agent_answer_date),
                # Callers do not pick up
                "" if self._is_reported_incoming() else clock(self.answer_date),
            ),
            (_("End"), self._leg_end("agent"), self._leg_end("customer")),
        ]
        return [{"label": label, "values": values} for label, *values in facts if any(values)]

    def _leg_end(self, leg):
        """Return how one line of the call ended, "" if there is nothing to say but that it did.

        :param str leg: ``agent`` or ``customer``
        :rtype: str
        """
        cause = self[f"{leg}_cause"] or ""
        parts = [
            self.env._("Hung up first") if self.hung_up_by == leg else "",
            "" if NORMAL_CAUSE.search(cause) else cause,
        ]
        return ", ".join(filter(None, parts))
