from itertools import chain

from odoo import api, fields, models
from odoo.fields import Domain


class CcpCall(models.Model):
    """All numbers of a call: each rule about a number applies to every one of them."""

    _inherit = "ccp.call"

    agent_second_number = fields.Char("Agent's second phone", readonly=True)
    customer_second_number = fields.Char("Customer's second phone", readonly=True)
    # Ten digits each, separated by blanks
    agent_further_numbers = fields.Char("Agent's further phones", readonly=True, index=True)
    customer_further_numbers = fields.Char("Customer's further phones", readonly=True, index=True)
    agent_pool = fields.Char(
        "Agent pool",
        readonly=True,
        help="Airtel's id of the pool whose agents were rung, in place of the agent's own phone.",
    )

    def _customer_numbers(self):
        """Return every customer's number of these calls, in the order of dialling.

        :rtype: tuple[str, ...]
        """
        return self._numbers_of("customer")

    def _agent_numbers(self):
        """Return every agent's number of these calls, in the order of dialling.

        :return: empty if a pool provided the agents
        :rtype: tuple[str, ...]
        """
        return self._numbers_of("agent")

    def _numbers_of(self, side):
        """Return every number of one side, each once.

        :param str side: ``agent`` or ``customer``
        :rtype: tuple[str, ...]
        """
        numbers = chain.from_iterable(
            (
                call[f"{side}_number"],
                call[f"{side}_second_number"],
                *(call[f"{side}_further_numbers"] or "").split(),
            )
            for call in self
        )
        return tuple(dict.fromkeys(filter(None, numbers)))

    @api.model
    def _number_values(self, agent_numbers, customer_numbers):
        """Return the values that store the numbers that Airtel was asked to dial.

        :param agent_numbers: ten digits each
        :param customer_numbers: ten digits each
        :rtype: dict
        """
        values = {}
        for side, numbers in (("agent", agent_numbers), ("customer", customer_numbers)):
            first, second, *further = (*numbers, False, False)[: max(2, len(numbers))]
            values |= {
                f"{side}_number": first,
                f"{side}_second_number": second,
                f"{side}_further_numbers": " ".join(further) or False,
            }
        return values

    @api.model
    def _numbers_domain(self, side, numbers):
        """Return the domain of the calls that have one of these numbers on one side.

        :param str side: ``agent`` or ``customer``
        :param numbers: ten digits each; shorter ones find nothing
        :rtype: odoo.fields.Domain
        """
        numbers = [each for each in numbers if len(each) == 10]
        further = f"{side}_further_numbers"
        return (
            Domain(f"{side}_number", "in", numbers)
            | Domain(f"{side}_second_number", "in", numbers)
            | (
                Domain(further, "!=", False)
                & Domain.OR(Domain(further, "like", each) for each in numbers)
            )
        )

    def _agent_name(self):
        """Return the agent's name for sentences.

        Who picks up in a pool is unknown beforehand, and an imported call may have no known agent.
        An incoming call may ring several.

        :rtype: str
        """
        self.ensure_one()
        if self.agent_pool:
            return self.env._("An agent of the pool")
        if self._is_reported_incoming() and (names := self._agent_names()):
            return names
        return self.sudo().user_id.name or self.env._("The agent")

    def _pool_sentence(self):
        """Return how a call to an agent pool stands, as long as no agent has picked up.

        :return: "" for any other call, and once an agent picked up
        :rtype: str
        """
        self.ensure_one()
        if not self.agent_pool:
            return ""
        _ = self.env._
        # Functions: only the sentence that is used gets translated
        sentences = {
            "queued": lambda: _("Airtel has not answered yet. An agent of the pool is rung first."),
            "unknown": lambda: _(
                "Airtel did not confirm the call. If it accepted the call, an agent of the pool is "
                "rung."
            ),
            "ringing_agent": lambda: _("Calling an agent of the pool"),
            "ringing_customer": lambda: _(
                "An agent of the pool picked up, calling %s", self.customer_name
            ),
            "agent_no_answer": lambda: _("No agent of the pool picked up"),
            "agent_busy": lambda: _("The agents of the pool were busy"),
            "agent_unreachable": lambda: _("The agents of the pool could not be reached"),
            "canceled": lambda: _("The agent hung up before %s picked up", self.customer_name),
        }
        key = self.result if self.state == "ended" else self.state
        return sentences[key]() if key in sentences else ""
