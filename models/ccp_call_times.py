from collections import defaultdict

from odoo import api, fields, models

from .utils import format_seconds


class CcpCall(models.Model):
    """How long a call took, as people read it."""

    _inherit = "ccp.call"

    talk_time = fields.Char("Talk time", compute="_compute_talk_time")
    agent_ring_time = fields.Char("Agent's phone rang", compute="_compute_ring_times")
    customer_ring_time = fields.Char("Customer's phone rang", compute="_compute_ring_times")
    total_time = fields.Char(
        "Whole call", compute="_compute_total_time", help="From the click on Call to the end."
    )

    @api.depends("talk_seconds", "talk_unknown", "result")
    @api.depends_context("lang")
    def _compute_talk_time(self):
        self._set_times("talk_time", self.mapped("talk_seconds"))
        connected = self.filtered(lambda call: call.result == "connected" and not call.talk_seconds)
        for call in connected:
            call.talk_time = self.env._("Unknown") if call.talk_unknown else format_seconds(0)

    @api.depends("agent_ring_seconds", "customer_ring_seconds")
    @api.depends_context("lang")
    def _compute_ring_times(self):
        self._set_times("agent_ring_time", self.mapped("agent_ring_seconds"))
        self._set_times("customer_ring_time", self.mapped("customer_ring_seconds"))

    @api.depends("start_date", "end_date")
    @api.depends_context("lang")
    def _compute_total_time(self):
        self._set_times(
            "total_time",
            [
                max(0, round((call.end_date - call.start_date).total_seconds()))
                if call.end_date
                else 0
                for call in self
            ],
        )

    def _set_times(self, field_name, durations):
        """Write durations as text; an empty text for none.

        Calls of the same duration are written together, which costs a list a fraction of writing
        them one by one.

        :param str field_name: the field to write
        :param list[int] durations: seconds, one for each call
        """
        ids = defaultdict(list)
        for call_id, seconds in zip(self._ids, durations, strict=True):
            ids[seconds].append(call_id)
        for seconds, call_ids in ids.items():
            text = format_seconds(seconds) if seconds else ""
            self.browse(call_ids)[field_name] = text
