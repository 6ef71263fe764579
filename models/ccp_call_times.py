from odoo import api, fields, models

from .utils import format_seconds, give_values


class CcpCall(models.Model):
    """The durations of a call as text."""

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
        texts = [
            _text(call.talk_seconds) or (call._no_talk_time() if call.result == "connected" else "")
            for call in self
        ]
        give_values(self, "talk_time", texts)

    def _no_talk_time(self):
        """Return the duration of a connected call whose reports give no talk time above zero.

        :rtype: str
        """
        return self.env._("Unknown") if self.talk_unknown else format_seconds(0)

    @api.depends("agent_ring_seconds", "customer_ring_seconds")
    @api.depends_context("lang")
    def _compute_ring_times(self):
        seconds = [(call.agent_ring_seconds, call.customer_ring_seconds) for call in self]
        give_values(self, "agent_ring_time", [_text(agent) for agent, _customer in seconds])
        give_values(self, "customer_ring_time", [_text(customer) for _agent, customer in seconds])

    @api.depends("start_date", "end_date")
    @api.depends_context("lang")
    def _compute_total_time(self):
        texts = [
            _text(max(0, round((end - call.start_date).total_seconds())))
            if (end := call.end_date)
            else ""
            for call in self
        ]
        give_values(self, "total_time", texts)


def _text(seconds):
    """Return a duration as text, "" if it is empty."""
    return format_seconds(seconds) if seconds else ""
