import dataclasses
import json
from datetime import datetime, timezone
from functools import cached_property

from odoo import models
from odoo.fields import Domain

from ..ccp.call import incoming
from ..ccp.call.dialled import is_same_number
from ..ccp.call.route import Decision
from ..ccp.safe import number
from .utils import naive_utc


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sighting:
    """What one report, or one decision of Odoo's, says about the incoming call it belongs to.

    :ivar company: the ``res.company`` that was called
    :ivar kind: ``decision``, ``event`` or ``cdr``
    :ivar customer: last ten digits, "" if the number is withheld or foreign
    :ivar airtel_number: last ten digits or fewer, "" if unknown
    :ivar session_id: Airtel's id, "" if unknown
    :ivar at: when it happened, or when the call began if it is a CDR; naive UTC
    :ivar is_timed: whether ``at`` comes from the report; else it is the time of its arrival
    :ivar is_sure: whether it is certainly about an incoming call of this company and may create
        one; if not, it can only be added to a call that is known
    :ivar flow: the ``ccp.call.flow`` whose number was called, which may be empty
    :ivar decision: our own decision, None for a report
    """

    company: models.BaseModel
    kind: str
    customer: str
    airtel_number: str
    session_id: str
    at: datetime
    is_timed: bool
    is_sure: bool
    flow: models.BaseModel
    decision: Decision | None = None

    @property
    def caller_number(self):
        """The Airtel number as the company writes it; empty if it is not one of the company's."""
        return self.flow.caller_number or self.airtel_number


class IncomingNumbers:
    """A company's numbers, which show who is who in a report of an incoming call.

    They are read once for many reports, and only if a report may be about such a call.
    """

    def __init__(self, calls, company):
        """:param calls: any ``ccp.call`` records, as superuser
        :param company: the ``res.company`` to whose address the reports came
        """
        self._calls = calls
        self._company = company

    @cached_property
    def flows(self):
        """The company's INBOUND call flows: one for each Airtel number that customers call."""
        return self._calls.flow_id.search(
            Domain("company_id", "=", self._company.id) & Domain("call_type", "=", "INBOUND")
        )

    @cached_property
    def airtel(self):
        """The company's Airtel numbers that customers call, last ten digits."""
        return frozenset(number.last10(each) for each in self.flows.mapped("caller_number"))

    @cached_property
    def agents(self):
        """The phones of the company's agents and the desks of its numbers, last ten digits."""
        desks = {*self.flows.mapped("desk_number"), *self.flows.mapped("closed_number")} - {False}
        return frozenset({*self.users, *map(number.last10, desks)})

    @cached_property
    def users(self):
        """The company's agents by their phones, also those who left."""
        return self._calls._agents_by_number(self._company)

    def flow_of(self, airtel_number):
        """Return the flow of an Airtel number; empty if customers cannot call that number.

        :param str airtel_number: last ten digits, or ""
        """
        found = self.flows.filtered(lambda each: is_same_number(each.caller_number, airtel_number))
        return found[:1]


class CcpCallEvent(models.Model):
    """Finds the incoming call of a report or decision that does not name one."""

    _inherit = "ccp.call.event"

    def _sighting(self, report, numbers):
        """Return what this report says about the incoming call it belongs to.

        Only Odoo writes rows of the kind ``decision``: a post that looks like one is not one.

        :param report: this report as the protocol core reads it
        :param IncomingNumbers numbers: whose numbers are whose
        :return: None when it is about no incoming call
        :rtype: Sighting | None
        """
        self.ensure_one()
        if self.kind == "decision":
            return self._decision_sighting(numbers)
        if report.kind not in ("event", "cdr"):
            return None
        if report.direction != "inbound" and (report.direction or not numbers.flows):
            # Without a called number the agents' phones need not be read: a session id is enough
            return None
        seen = incoming.read(report, numbers.airtel, numbers.agents)
        if seen is None:
            return None
        return Sighting(
            company=self.company_id,
            kind="cdr" if seen.is_cdr else "event",
            customer=seen.customer,
            airtel_number=seen.airtel_number,
            session_id=seen.session_id,
            at=naive_utc(seen.at),
            is_timed=seen.is_timed,
            is_sure=seen.is_sure,
            flow=numbers.flow_of(seen.airtel_number),
        )

    def _decision_sighting(self, numbers):
        """Return what a decision says about its call; see ``_sighting``."""
        decision = self._decision()
        if decision is None:
            return None
        flow = numbers.flow_of(number.last10(decision.airtel_number))
        if not flow and decision.flow_id:
            flow = flow.browse(decision.flow_id).exists()
        return Sighting(
            company=self.company_id,
            kind=self.kind,
            customer=number.last10_of_caller(decision.customer),
            airtel_number=number.last10(decision.airtel_number),
            session_id="",
            at=naive_utc(datetime.fromtimestamp(decision.at / 1000, timezone.utc)),
            is_timed=True,
            is_sure=True,
            flow=flow.filtered(lambda each: each.company_id == self.company_id),
            decision=decision,
        )

    def _decision(self):
        """Return the decision that this row stores; None if it cannot be read.

        :rtype: ccp.call.route.Decision | None
        """
        try:
            decision = Decision.of_dict(json.loads(self.sudo().payload or ""))
            datetime.fromtimestamp(decision.at / 1000, timezone.utc)
        except (OSError, OverflowError, ValueError):
            # It may have waited on disk, where files get damaged
            return None
        return decision

    def _summary_of_decision(self, report):
        """Return a decision as a sentence; its call shows whom it rings."""
        return self.env._("Who to ring")
