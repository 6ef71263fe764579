from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Command, Domain

from ..ccp.airtel.vocabulary import FROM
from ..ccp.call import route, states
from ..ccp.call.dialled import Dialled, is_same_number
from ..ccp.call.incoming import REPEAT_TOLERANCE
from ..ccp.safe import number
from .ccp_call_event_match import CLOCK_TOLERANCE
from .ccp_call_flow_incoming import ABANDON_SECONDS

# How long after the first CDR without a time another one counts as its repeat
REPEAT_PERIOD = timedelta(minutes=10)
# The longest call: a later report belongs to another call
LONGEST_CALL = timedelta(hours=4)
# A report is searched a call among this many last calls of its customer
NEAR_CALLS = 20
# How many incoming calls of a company are created in a minute at most; further reports wait
MOST_CALLS = 1000
MOST_CALLS_PERIOD = timedelta(minutes=1)


class CcpCall(models.Model):
    """Incoming calls: how their rows are created and found, and what reports say of agents.

    The row of an outgoing call is created by a click, that of an incoming call by the first report
    or decision about it, in the scheduled action. Which one comes first makes no difference.
    """

    _inherit = "ccp.call"

    missed_user_ids = fields.Many2many(
        "res.users",
        "ccp_call_missed_users_rel",
        "call_id",
        "user_id",
        "Missed by",
        readonly=True,
        copy=False,
        help="Agents whose phones rang for this incoming call, but who did not pick up.",
    )
    ringing_user_ids = fields.Many2many(
        "res.users",
        "ccp_call_ringing_users_rel",
        "call_id",
        "user_id",
        "Ringing now",
        readonly=True,
        copy=False,
        help="Agents whose phones are ringing for this incoming call.",
    )
    decided_date = fields.Datetime("Airtel asked whom to ring", readonly=True, copy=False)
    cdr_date = fields.Datetime(
        "Start in Airtel's record",
        readonly=True,
        copy=False,
        help="Empty until the call data record of an incoming call has arrived.",
    )

    _incoming_idx = models.Index(
        "(company_id, customer_number, start_date) WHERE direction = 'inbound'"
    )
    _incoming_made_idx = models.Index("(company_id, create_date) WHERE direction = 'inbound'")
    _incoming_session_uniq = models.UniqueIndex(
        "(company_id, session_id)"
        " WHERE direction = 'inbound' AND session_id IS NOT NULL AND imported IS NOT TRUE",
        "This incoming call already exists.",
    )

    # Finding and creating

    @api.model
    def _take_sighting(self, seen):
        """Return the incoming call that a report or decision is about; create it if it is new.

        :param ccp_call_event_incoming.Sighting seen: what the report says
        :return: one call as superuser; empty if such a report alone creates no call, or if the
            company had too many in a minute
        :rtype: odoo.models.BaseModel
        """
        call = self._find_incoming(seen)
        if call:
            call._learn(seen)
        elif seen.is_sure and self._may_take_another(seen.company):
            call = self._make_incoming(seen)
        return call

    @api.model
    def _incoming_domain(self, company):
        """Return the domain of a company's incoming calls that may still get reports.

        :rtype: odoo.fields.Domain
        """
        return (
            Domain("company_id", "=", company.id)
            & Domain("direction", "=", "inbound")
            & Domain("manual", "=", False)
            & Domain("imported", "=", False)
            & Domain("reports_deleted", "=", False)
            & Domain("erased", "=", False)
        )

    @api.model
    def _find_incoming(self, seen):
        """Return the incoming call that a report or decision is about, as superuser, or none.

        It is found by Airtel's session id, else by customer, Airtel number and time. If several
        fit, the nearest in time is taken.

        :param ccp_call_event_incoming.Sighting seen: what the report says
        :rtype: odoo.models.BaseModel
        """
        calls = self.sudo()
        own = self._incoming_domain(seen.company)
        if seen.session_id:
            found = calls.search(own & Domain("session_id", "=", seen.session_id), limit=1)
            if found:
                return found
        if not seen.customer and not seen.airtel_number:
            # The report names neither a caller nor a called number
            return calls.browse()
        near = calls.search(
            own
            & Domain("customer_number", "=", seen.customer or False)
            & Domain("start_date", ">=", seen.at - LONGEST_CALL)
            & Domain("start_date", "<=", seen.at + CLOCK_TOLERANCE),
            order="start_date desc, id desc",
            limit=NEAR_CALLS,
        )
        fitting = near.filtered(lambda call: call._may_be(seen))
        return min(fitting, key=lambda call: call._distance(seen), default=calls.browse())

    def _may_be(self, seen):
        """Return whether a report or decision with this call's customer may be about this call.

        :param ccp_call_event_incoming.Sighting seen: what the report says
        :rtype: bool
        """
        own, other = self.caller_number, seen.airtel_number
        if own and other and not is_same_number(own, other):
            return False
        if self.session_id and seen.session_id and self.session_id != seen.session_id:
            return False
        since_start = abs(self.start_date - seen.at)
        if seen.kind == "decision":
            if self.decided_date:
                return self._is_asked_again(seen)
            return since_start <= CLOCK_TOLERANCE
        if seen.kind == "cdr" and self.cdr_date:
            period = REPEAT_TOLERANCE if seen.is_timed else REPEAT_PERIOD
            return abs(self.cdr_date - seen.at) <= period
        # A call that was closed without a report may have continued
        end = self.end_date if self.result != "no_report" else False
        slack = REPEAT_TOLERANCE if self.cdr_date else CLOCK_TOLERANCE
        if end and seen.is_timed and seen.at > end + slack:
            return False
        if seen.kind == "cdr" and seen.is_timed:
            return since_start <= CLOCK_TOLERANCE
        return seen.at >= self.start_date - slack

    def _is_asked_again(self, seen):
        """Return whether Airtel asked again about this call, such as after a lost answer.

        While the database is away, a repeated question is not recognised as such.

        :param ccp_call_event_incoming.Sighting seen: a decision
        :rtype: bool
        """
        apart = abs((self.decided_date - seen.at).total_seconds())
        if not seen.customer or apart > route.SAME_SECONDS:
            return False
        if self.end_date and self.result != "no_report" and seen.at > self.end_date:
            return False
        asked = route.decided_key(seen.decision)
        return any(route.decided_key(each) == asked for each in self._decisions()[self])

    def _distance(self, seen):
        """Return how far this call is from a report of its customer, to compare it with others.

        An event belongs to the last call that began before it.

        :rtype: tuple
        """
        is_later = seen.kind == "event" and self.start_date > seen.at + REPEAT_TOLERANCE
        return is_later, abs(self.start_date - seen.at), self.id

    @api.model
    def _is_erased_incoming(self, seen):
        """Return whether a report or decision is about an incoming call that was erased.

        Only for calls without an id of Airtel's; others are recognised by the digests of their ids.
        Such a call keeps only its start and the Airtel number.

        :param ccp_call_event_incoming.Sighting seen: what the report or decision says
        :rtype: bool
        """
        moment = "decided_date" if seen.kind == "decision" else "cdr_date"
        erased = (
            Domain("company_id", "=", seen.company.id)
            & Domain("erased", "=", True)
            & Domain("direction", "=", "inbound")
            & Domain("erased_ids", "=", False)
            & Domain("caller_number", "=", seen.caller_number)
            & Domain(moment, ">=", seen.at - REPEAT_TOLERANCE)
            & Domain(moment, "<=", seen.at + REPEAT_TOLERANCE)
        )
        return bool(self.sudo().search_count(erased, limit=1))

    @api.model
    def _may_take_another(self, company):
        """Return whether another incoming call may be created for a company now.

        Anybody who knows the company's address can send reports of calls that never happened.

        :rtype: bool
        """
        since = fields.Datetime.now() - MOST_CALLS_PERIOD
        made = Domain("company_id", "=", company.id) & Domain("direction", "=", "inbound")
        made &= Domain("create_date", ">=", since)
        return self.sudo().search_count(made, limit=MOST_CALLS) < MOST_CALLS

    @api.model
    def _make_incoming(self, seen):
        """Create the row of an incoming call.

        :param ccp_call_event_incoming.Sighting seen: the first report or decision about it
        :rtype: odoo.models.BaseModel
        """
        company = seen.company.sudo()
        state = "ringing_agent"
        values = {
            "direction": "inbound",
            "company_id": company.id,
            "currency_id": company.currency_id.id,
            "request_outcome": "accepted",
            "state": state,
            "deadline": self._deadline(state),
            "trial": company.ccp_trial,
            "customer_number": seen.customer or False,
            "start_date": seen.at,
            **self._start_values(seen.at, self.user_id.browse()),
        }
        call = self.sudo().with_company(company.id).create(values)
        call._learn(seen)
        return call

    def _learn(self, seen):
        """Store what a report or decision says of this call, beside what folding derives.

        The result does not depend on the order of arrival, except for the agents' names: the user
        behind a phone is looked up when a report first names it.

        :param ccp_call_event_incoming.Sighting seen: what the report or decision says
        """
        values = {}
        if seen.at < self.start_date < seen.at + LONGEST_CALL:
            values["start_date"] = seen.at
        if seen.customer and not self.customer_number:
            values["customer_number"] = seen.customer
        if seen.session_id and not self.session_id:
            values["session_id"] = seen.session_id
        if seen.airtel_number and not self.flow_id:
            values["caller_number"] = seen.caller_number
        if seen.flow and not self.flow_id:
            values |= {
                "flow_id": seen.flow.id,
                "recorded": seen.flow._is_recorded(),
                "recording_announced": seen.flow.announces_recording,
            }
        if seen.kind == "cdr" and not self.cdr_date:
            values["cdr_date"] = seen.at
        # The latest of several decisions is the answer that Airtel followed
        is_last = seen.decision and (not self.decided_date or seen.at > self.decided_date)
        if is_last:
            values |= self._decision_values(seen)
        team = self._incoming_team(seen)
        if team and (is_last or not self.team_id):
            values["team_id"] = team.id
        values["dialled"] = self._incoming_snapshot(seen)
        changed = {
            name: value
            for name, value in values.items()
            if self._fields[name].convert_to_write(self[name], self) != value
        }
        if changed:
            self.write(changed)
        self._find_record(seen, is_new=not self.customer_name or "customer_number" in changed)

    def _decision_values(self, seen):
        """Return the values that a call stores of the decision whom to ring.

        :param ccp_call_event_incoming.Sighting seen: the decision
        :rtype: dict
        """
        decision = seen.decision
        reasons = self._fields["route_reason"].get_values(self.env)
        return {
            "decided_date": seen.at,
            "route_reason": decision.reason if decision.reason in reasons else False,
            "route_about": decision.about.name if decision.about else False,
        }

    def _incoming_team(self, seen):
        """Return the sales team of an incoming call: that of the pressed digit, else the number's.

        :rtype: odoo.models.BaseModel
        """
        team = self.team_id.browse(seen.decision and seen.decision.team_id or ()).exists()
        team = team or seen.flow.ring_team_id
        return team.filtered(lambda each: each.company_id <= seen.company)

    def _incoming_snapshot(self, seen):
        """Return this call's snapshot, extended by what a report or decision adds.

        Its key ``users``, which ``ccp.call`` does not use, keeps whose phones were rung: a phone
        may change hands while it rings.

        :param ccp_call_event_incoming.Sighting seen: what the report or decision says
        :return: a value of ``dialled``
        :rtype: dict
        """
        known = self.dialled or {}
        users = dict(known.get("users") or {})
        agents = list(known.get("agent_numbers") or ())
        if seen.decision:
            known_users = {number.last10(each.number): each.user_id for each in seen.decision.ring}
            rung = [number.last10(each) for _name, each in seen.decision.participants()]
            agents += rung
            users = {**dict.fromkeys(rung, False), **users, **known_users}
        abandon_seconds = seen.flow.abandon_seconds if seen.flow else ABANDON_SECONDS
        snapshot = Dialled(
            incoming=True,
            agent_numbers=tuple(dict.fromkeys(agents)),
            customer_numbers=tuple(filter(None, [self.customer_number or seen.customer])),
            agent_name="",
            customer_name="",
            agent_component="",
            customer_component="",
            airtel_number=known.get("airtel_number") or seen.airtel_number,
            # The flow's setting when the call came in
            abandon_seconds=known["abandon_seconds"] if self.flow_id else abandon_seconds,
        ).snapshot()
        return {**snapshot, "users": users}

    # Folding

    def _is_reported_incoming(self):
        """Return whether this incoming call comes from Airtel's reports, not from a person.

        :rtype: bool
        """
        return self.direction == "inbound" and not self.manual and not self.imported

    def _own_reports(self, parsed):
        """Return those of some reports that may be about this call.

        A report of an incoming call does not change an outgoing one, even if it was posted to that
        call's address and has the same two numbers.

        :param list parsed: reports as the protocol core reads them
        :rtype: list
        """
        if self.direction == "inbound":
            return parsed
        return [report for report in parsed if not self._is_of_incoming(report)]

    def _is_of_incoming(self, report):
        """Return whether a report of this outgoing call is about an incoming one.

        Airtel may mark any call INBOUND. So a report that has an id of this call, or its agent as
        the caller, belongs to this call.

        :param report: as the protocol core reads it
        :rtype: bool
        """
        if getattr(report, "direction", "") != "inbound":
            return False
        ids = {report.session_id, report.correlation_id} - {""}
        if ids & {self.session_id, self.correlation_id}:
            return False
        callers = {leg.address for leg in getattr(report, "legs", ()) if leg.side == FROM}
        return not callers or not callers.isdisjoint(self._customer_numbers())

    def _changes(self, story):
        """Add to the fold whose phones rang, who picked up and who missed the call."""
        changes = super()._changes(story)
        if not self._is_reported_incoming():
            return changes
        return {**changes, **self._incoming_changes(story)}

    def _incoming_changes(self, story):
        """Return the values that only incoming calls have and that the timeline changes.

        :param ccp.call.timeline.Timeline story: the call's timeline
        :rtype: dict
        """
        named = dict.fromkeys((story.picked_up, *story.ringing, *story.missed))
        snapshot = self._with_users([each for each in named if each])
        users = snapshot["users"]
        is_live = story.state in states.LIVE_STATES
        picked_up = self._users_of(users, [story.picked_up])
        missed = self._users_of(users, story.missed or self._missed_by_decision(story, snapshot))
        numbers = [story.picked_up, *story.ringing, *reversed(story.missed)]
        values = {
            "user_id": picked_up,
            "agent_number": next(filter(None, numbers), False),
            "missed_user_ids": missed - picked_up,
            "ringing_user_ids": self._users_of(users, story.ringing if is_live else ()),
        }
        changes = {name: value for name, value in values.items() if self[name] != value}
        for name, value in changes.items():
            if name == "user_id":
                changes[name] = value.id
            elif name.endswith("_ids"):
                changes[name] = [Command.set(value.ids)]
        if snapshot != self.dialled:
            changes["dialled"] = snapshot
        if is_live and story.has_reports:
            # Each further report of a live call prolongs the wait
            changes["deadline"] = self._deadline(story.state)
        return changes

    def _missed_by_decision(self, story, snapshot):
        """Return the numbers of those who missed a call in whose reports nobody is named.

        :param ccp.call.timeline.Timeline story: the call's timeline
        :param dict snapshot: see ``_incoming_snapshot``
        :return: the first agent whom Airtel was to ring, if the call was missed
        :rtype: list[str]
        """
        if story.result not in states.MISSED_BY_AGENT:
            return []
        return [each for each in snapshot["agent_numbers"] if snapshot["users"].get(each)][:1]

    def _with_users(self, numbers):
        """Return this call's snapshot, with the user of each of these numbers.

        :param list[str] numbers: last ten digits each
        :rtype: dict
        """
        snapshot = dict(self.dialled or self._dialled().snapshot())
        users = dict(snapshot.get("users") or {})
        if any(each not in users for each in numbers):
            found = self._agents_by_number(self.company_id)
            for each in numbers:
                if each not in users:
                    users[each] = found[each].id if each in found else False
        return {**snapshot, "users": users}

    def _users_of(self, users, numbers):
        """Return the users of some numbers, without users who were deleted.

        :param dict users: ids of users by their numbers
        :param numbers: last ten digits each
        :rtype: odoo.models.BaseModel
        """
        ids = dict.fromkeys(users.get(each) for each in numbers if each)
        return self.user_id.browse(filter(None, ids)).exists()

    # Notifying

    def _follow_incoming(self):
        """Run ``_after_incoming`` for the incoming ones among these calls."""
        calls = self.filtered(lambda call: call._is_reported_incoming() and not call.erased)
        if calls:
            self._after_incoming(calls)
