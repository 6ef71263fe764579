"""The course of a call: a list of moments in call time, without clocks, threads or network."""

from dataclasses import dataclass, field, replace

from . import scripts
from .validation import CONFERENCE, PARALLEL

EVENT = "event"
API_RESULT = "api_result"
CDR = "cdr"
# The event of a CDR that is about another try of the call, which nobody answered
OTHER_TRY = "other try"

FROM = "From"
TO = "To"

# Call seconds.
ACCEPTED_AFTER = 0.2
DIAL_AFTER = 0.5
RING_AFTER_DIAL = 0.5
AGENT_ANSWERS_AFTER = 3.0
CUSTOMER_ANSWERS_AFTER = 4.0
GIVES_UP_AFTER = 3.0
BUSY_AFTER = 1.0
UNREACHABLE_AFTER = 2.0
REJECTS_AFTER = 2.5
RING_TIMEOUT = 20.0
RETRY_PAUSE = 5.0
NEXT_LEG_AFTER = 0.3
RECORD_AFTER = 0.1
HANG_UP_STEP = 0.2
CDR_AFTER = 1.5


@dataclass(frozen=True)
class Cause:
    """Why a leg ended: a Q.850 cause, a SIP code and Airtel's words for both (section 3)."""

    cause_code: str
    sip_code: str
    description: str


NORMAL = Cause("16", "699", "Normal call clearing")
USER_BUSY = Cause("17", "486", "User busy")
UNANSWERED = Cause("19", "480", "No answer from user")
ABSENT = Cause("20", "480", "Subscriber absent")
REJECTED = Cause("21", "603", "Call rejected")
# Reported for a leg whose other party hung up before it answered.
OTHER_PARTY_LEFT = Cause("500", "487", "Network error")

SYSTEM_INITIATED = "SYSTEM_INITIATED"
USER_INITIATED = "USER_INITIATED"


@dataclass(eq=False)
class Leg:
    """One phone in the call; times are call seconds since the POST's acceptance."""

    role: str
    participant: object
    component: str
    started: float
    answered: float | None = None
    ended: float | None = None
    status: str = ""
    cause: Cause | None = None
    retries: int = 0
    hangup: str = SYSTEM_INITIATED


@dataclass(eq=False)
class Moment:
    """Something that is reported, ``at`` call seconds after the POST's acceptance.

    ``kind`` is EVENT, API_RESULT or CDR. An event has a type and a name and, if it is about one
    phone, the leg; ``index`` numbers the moments of a story.
    """

    at: float
    kind: str
    event_type: str = ""
    event: str = ""
    leg: Leg | None = None
    cause: Cause | None = None
    component: str = ""
    index: int = 0


@dataclass
class Story:
    """A whole call: its moments in the order in which they happen, and its legs."""

    order: object
    script: object
    moments: list = field(default_factory=list)
    agent_legs: list = field(default_factory=list)
    customer_legs: list = field(default_factory=list)
    talk_started: float | None = None
    ended: float = 0.0
    record_started: float | None = None
    hung_up_by: str | None = None

    @property
    def agent_leg(self):
        """The agent's leg that answered, else the one tried last, or None."""
        return _leg_that_counts(self.agent_legs)

    @property
    def customer_leg(self):
        """The customer's leg that answered, else the one tried last; None if none was dialled."""
        return _leg_that_counts(self.customer_legs)

    @property
    def recorded(self):
        """Whether there is a recording of the call."""
        return self.record_started is not None

    @property
    def talk_seconds(self):
        """Length of the conversation in call seconds; 0 if there was none."""
        return 0.0 if self.talk_started is None else self.ended - self.talk_started


def _leg_that_counts(legs):
    if not legs:
        return None
    answered = [leg for leg in legs if leg.answered is not None]
    return min(answered, key=lambda leg: leg.answered) if answered else legs[-1]


def tell(order, script, script_of=scripts.script_for):
    """Return the story of a call.

    :param order: the accepted request (validation.Order)
    :param script: what the call does (scripts.Script)
    :param script_of: function from a 10-digit number to a Script: if several customers are dialled,
        each one's own script says what that phone does
    :return: Story, whose last moment is the CDR
    """
    teller = _Teller(order, script, script_of)
    teller.tell()
    return teller.story


class Dialler:
    """Rings phones one after another or at once, and adds what happens to the story.

    :param story: the Story to which it adds moments
    """

    def __init__(self, story):
        self.story = story

    def gives_up(self, _role):
        """Return whether the caller hangs up while a phone of this role rings."""
        return False

    def answers_after(self, role):
        """Return how many seconds a phone of this role rings before it is answered."""
        return AGENT_ANSWERS_AFTER if role == FROM else CUSTOMER_ANSWERS_AFTER

    def rings_for(self, _participant):
        """Return how many seconds a phone rings before it stops."""
        return RING_TIMEOUT

    def dial(self, role, component, at, behaviour_of):
        """Ring a component's phones by its strategy.

        :return: the legs, the leg that answered first or None, and the time of that answer or of
            the last leg's end
        """
        if component.strategy in (PARALLEL, CONFERENCE):
            return self.dial_at_once(role, component, at, behaviour_of)
        legs = []
        for position, participant in enumerate(component.participants):
            if position:
                at += NEXT_LEG_AFTER
            leg, at = self.ring(role, component.name, participant, at, behaviour_of(participant))
            legs.append(leg)
            if leg.answered is not None or self.gives_up(role):
                break
        winner = legs[-1] if legs[-1].answered is not None else None
        return legs, winner, at

    def dial_at_once(self, role, component, at, behaviour_of):
        """Ring all phones of a component at the same time; see ``dial``."""
        outcomes = [
            self.ring(role, component.name, participant, at, behaviour_of(participant))
            for participant in component.participants
        ]
        legs = [leg for leg, _ended in outcomes]
        answered = [leg for leg in legs if leg.answered is not None]
        if not answered:
            return legs, None, max(ended for _leg, ended in outcomes)
        winner = min(answered, key=lambda leg: leg.answered)
        if component.strategy == PARALLEL:
            for leg in legs:
                if leg is not winner:
                    self.cancel(leg, winner.answered, "Disconnected", NORMAL)
        return legs, winner, winner.answered

    def cancel(self, leg, at, event, cause):
        """Stop ringing a phone, because another one answered or nobody waits any more."""
        if leg.ended is not None and leg.ended <= at:
            return
        self.story.moments = [
            moment for moment in self.story.moments if moment.leg is not leg or moment.at < at
        ]
        leg.answered = None
        tries = [moment for moment in self.story.moments if moment.leg is leg]
        leg.retries = sum(moment.event == "CalledNumber" for moment in tries) - 1
        self.end(leg, at, event, event, cause)

    def ring(self, role, component, participant, at, behaviour):
        """Ring one phone, with its participant's number of retries.

        :return: the leg, and when it was answered or ended
        """
        leg = Leg(role, participant, component, started=at)
        while True:
            self.add(at, EVENT, "CALL", "CalledNumber", leg)
            ringing = at + RING_AFTER_DIAL
            again = leg.retries < participant.max_retries
            if behaviour == scripts.UNREACHABLE:
                at = self.announce(leg, ringing)
                name, cause = "NotReachable", ABSENT
            elif behaviour == scripts.BUSY:
                at = ringing + BUSY_AFTER
                return self.end(leg, at, "Busy", "Busy", USER_BUSY), at
            else:
                self.add(ringing, EVENT, "CALL", "Ringing", leg)
                if self.gives_up(role):
                    at = ringing + GIVES_UP_AFTER
                    self.end(
                        leg, at + HANG_UP_STEP, "NetworkError", "NetworkError", OTHER_PARTY_LEFT
                    )
                    return leg, at
                if behaviour == scripts.REJECTS:
                    at = ringing + REJECTS_AFTER
                    leg.hangup = USER_INITIATED
                    return self.end(leg, at, "Rejected", "Rejected", REJECTED), at
                if behaviour == scripts.ANSWERS or (
                    behaviour == scripts.SECOND_TRY and leg.retries
                ):
                    leg.answered = ringing + self.answers_after(role)
                    self.add(leg.answered, EVENT, "CALL", "Answer", leg)
                    return leg, leg.answered
                at = ringing + self.rings_for(participant)
                name, cause = "Noanswer", UNANSWERED
            if not again:
                return self.end(leg, at, name, name, cause), at
            self.add(at, EVENT, "CALL", name, leg, cause)
            at += RETRY_PAUSE
            leg.retries += 1

    def announce(self, leg, at):
        """Have the network say that the phone is switched off, which early media makes audible."""
        ended = at + UNREACHABLE_AFTER
        if leg.participant.early_media:
            self.add(at, EVENT, "MEDIA", "Played", leg)
            self.add(ended, EVENT, "MEDIA", "Stopped", leg)
        return ended

    def end(self, leg, at, event, status, cause):
        """End a leg.

        :return: the leg
        """
        leg.ended = at
        leg.status = status
        leg.cause = cause
        self.add(at, EVENT, "CALL", event, leg, cause)
        return leg

    def add(self, at, kind, event_type="", event="", leg=None, cause=None, component=""):
        """Add a moment to the story."""
        component = component or (leg.component if leg else "")
        self.story.moments.append(Moment(at, kind, event_type, event, leg, cause, component))


class _Teller(Dialler):
    def __init__(self, order, script, script_of):
        super().__init__(Story(order, script))
        self.order = order
        self.script = script
        self.script_of = script_of

    def tell(self):
        story = self.story
        self.add(ACCEPTED_AFTER, API_RESULT, component=self.order.agents.name)
        story.agent_legs, agent, now = self.dial(
            FROM, self.order.agents, DIAL_AFTER, lambda _participant: self.script.agent
        )
        story.ended = now
        if agent:
            self.after_agent_answered(agent)
        story.moments.sort(key=lambda moment: moment.at)
        last = story.moments[-1].at
        self.add(max(story.ended + CDR_AFTER, last + HANG_UP_STEP), CDR)
        for index, moment in enumerate(story.moments):
            moment.index = index

    def after_agent_answered(self, agent):
        story = self.story
        now = agent.answered
        if self.order.record and self.script.recording != "none":
            story.record_started = now
            self.add(now + RECORD_AFTER, EVENT, "RECORD", "RecordingStarted", component="record")
        customer = None
        at = now + NEXT_LEG_AFTER
        for component in self.order.customers:
            legs, customer, at = self.dial(TO, component, at, self.customer_behaviour)
            story.customer_legs += legs
            if customer or self.script.agent_gives_up:
                break
            at += NEXT_LEG_AFTER
        if customer:
            story.talk_started = customer.answered
            at = customer.answered + self.script.talk_seconds
            at = self.hang_up(agent, customer, at)
        else:
            at = self.end_without_customer(agent, at)
        if story.recorded:
            at += HANG_UP_STEP
            self.add(at, EVENT, "RECORD", "RecordingFinished", component="record")

    def customer_behaviour(self, participant):
        if participant.number == self.order.customer_number:
            return self.script.customer
        return self.script_of(participant.number).customer

    def gives_up(self, role):
        return role == TO and self.script.agent_gives_up

    def hang_up(self, agent, customer, at):
        self.story.ended = at
        self.story.hung_up_by = self.script.hangs_up
        first, last = customer, agent
        if self.script.hangs_up == scripts.AGENT:
            first, last = agent, customer
        first.hangup = USER_INITIATED
        others = [
            leg
            for leg in self.story.agent_legs + self.story.customer_legs
            if leg.answered is not None and leg.ended is None and leg not in (first, last)
        ]
        # Airtel removes the last participant, hence the specification's "Removed".
        for leg in [first, *others]:
            self.end(leg, at, "Disconnected", "Disconnected", NORMAL)
            at += HANG_UP_STEP
        self.end(last, at, "Removed", "Disconnected", NORMAL)
        return at

    def end_without_customer(self, agent, at):
        event = "Removed"
        if self.script.agent_gives_up:
            # The customer's phone stops ringing a moment later: the agent isn't the last one.
            event = "Disconnected"
            agent.hangup = USER_INITIATED
            self.story.hung_up_by = scripts.AGENT
        else:
            at += HANG_UP_STEP
        self.story.ended = at
        legs = [leg for leg in self.story.agent_legs if leg.answered is not None]
        legs.remove(agent)
        for leg in legs:
            self.end(leg, at, "Disconnected", "Disconnected", NORMAL)
        self.end(agent, at, event, "Disconnected", NORMAL)
        return at


def deliveries(story, rng):
    """Return when each moment is reported, which may differ from when it happened.

    :param story: Story
    :param rng: random.Random, used only by the script with shuffled events
    :return: list of (call seconds, Moment), by time
    """
    script = story.script
    if script.silent:
        return []
    *moments, cdr = story.moments
    planned = [(moment.at, moment) for moment in moments]
    if script.shuffled:
        planned = _shuffle(planned, rng)
    if script.cdr == "first":
        late = [(cdr.at + HANG_UP_STEP * n, item[1]) for n, item in enumerate(planned, 1)]
        planned = [(cdr.at, cdr), *late]
    elif script.cdr == "early":
        last = [item for item in planned if item[0] >= story.ended]
        planned = [item for item in planned if item[0] < story.ended]
        planned.append((story.ended, cdr))
        planned += [(cdr.at + at - story.ended, moment) for at, moment in last]
    elif script.cdr != "never":
        planned.append((cdr.at, cdr))
        if script.cdr == "twice":
            planned.append((cdr.at + CDR_AFTER, cdr))
        if script.cdr == "contradicted":
            planned.append((cdr.at + CDR_AFTER, replace(cdr, event=OTHER_TRY)))
    return planned


def _shuffle(planned, rng):
    if len(planned) < 2:
        return planned
    slots = [at for at, _moment in planned]
    moments = [moment for _at, moment in planned]
    shuffled = list(moments)
    while shuffled == moments:
        rng.shuffle(shuffled)
    repeated = set(rng.sample(range(len(slots)), k=max(1, len(slots) // 3)))
    result = []
    for position, (at, moment) in enumerate(zip(slots, shuffled, strict=True)):
        result.append((at, moment))
        if position in repeated:
            result.append((at, moment))
    return result
