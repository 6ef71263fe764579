from odoo import api, fields, models

from ..ccp.call import states


class CcpCall(models.Model):
    """The measures of incoming calls; docs/measures.md explains each."""

    _inherit = "ccp.call"

    incoming = fields.Integer(
        "Incoming calls",
        compute="_compute_incoming",
        store=True,
        precompute=True,
        aggregator="sum",
        help="Calls that came in, also those logged by hand.",
    )
    incoming_answered = fields.Integer(
        "Incoming, answered",
        compute="_compute_incoming",
        store=True,
        precompute=True,
        aggregator="sum",
        help="Incoming calls in which an agent and the customer talked.",
    )
    incoming_missed = fields.Integer(
        "Incoming, missed",
        compute="_compute_incoming",
        store=True,
        precompute=True,
        aggregator="sum",
        help="Incoming calls that no agent picked up.",
    )
    incoming_abandoned = fields.Integer(
        "Incoming, abandoned",
        compute="_compute_incoming",
        store=True,
        precompute=True,
        aggregator="sum",
        help="Incoming calls in which the customer hung up while it still rang.",
    )
    answer_seconds = fields.Integer(
        "Time to answer (seconds)",
        compute="_compute_incoming",
        store=True,
        precompute=True,
        aggregator="avg",
        help="How long customers waited until an agent picked up.",
    )

    @api.depends("result", "direction", "trial", "imported", "start_date", "answer_date")
    def _compute_incoming(self):
        for call in self:
            counts = call.direction == "inbound" and not call.trial and not call.imported
            is_answered = counts and call.result == "connected"
            call.incoming = int(counts)
            call.incoming_answered = int(is_answered)
            call.incoming_missed = int(counts and call.result in states.MISSED_BY_AGENT)
            call.incoming_abandoned = int(counts and call.result == "abandoned")
            waited = is_answered and call.answer_date and call.answer_date - call.start_date
            call.answer_seconds = max(0, round(waited.total_seconds())) if waited else 0
