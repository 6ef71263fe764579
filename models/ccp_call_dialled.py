from odoo import api, fields, models

from ..ccp.call.timeline import Dialled


class CcpCall(models.Model):
    """The snapshot of what was dialled, with which a call's reports are read.

    The call flow may change later; the calls of the past keep their meaning.
    """

    _inherit = "ccp.call"

    dialled = fields.Json(
        "What was dialled",
        readonly=True,
        groups=fields.NO_ACCESS,
        help="Numbers and names of both sides, component ids and direction, as Airtel got them.",
    )

    @api.model
    def _snapshot(self, flow, agent_numbers, customer_numbers):
        """Return the snapshot of a call that is about to be placed.

        :param flow: the ``ccp.call.flow`` that dials
        :param agent_numbers: ten digits each
        :param customer_numbers: ten digits each
        :return: a value of ``dialled``
        :rtype: dict
        """
        return Dialled(
            agent_numbers=tuple(agent_numbers),
            customer_numbers=tuple(customer_numbers),
            agent_name=flow.agent_name,
            customer_name=flow.customer_name,
            agent_component=flow.agent_component,
            customer_component=flow.customer_component,
            agent_pool=flow._rings_pool(),
        ).snapshot()

    def _dialled(self):
        """Return what was dialled.

        A call that Airtel was not asked to place has no snapshot: then it is the call's own
        numbers, with the names and components of the specification.

        :rtype: ccp.call.timeline.Dialled
        """
        self.ensure_one()
        call = self.sudo()
        if call.dialled:
            return Dialled.of_snapshot(call.dialled)
        return Dialled(
            agent_numbers=call._agent_numbers(),
            customer_numbers=call._customer_numbers(),
            incoming=call.direction == "inbound",
            agent_pool=bool(call.agent_pool),
        )
