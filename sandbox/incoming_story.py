"""What happens in an incoming call: moments in call time, without clocks, threads or network."""

from dataclasses import dataclass, field

from . import scripts
from .story import (
    AGENT_ANSWERS_AFTER,
    CDR,
    CDR_AFTER,
    EVENT,
    FROM,
    HANG_UP_STEP,
    NORMAL,
    OTHER_PARTY_LEFT,
    RING_AFTER_DIAL,
    RING_TIMEOUT,
    TO,
    USER_INITIATED,
    Dialler,
    Leg,
    Moment,
    Story,
)
from .validation import PARALLEL, Participant

# Call seconds since the customer's call came.
GREETING_AFTER = 0.3
ASKED_AFTER = 1.0
MENU_SECONDS = 4.0
LEAVES_MENU_AFTER = 3.0
VOICEMAIL_SECONDS = 8.0
# The phone network gives up after this, however long a participant's maxTime is.
LONGEST_RINGING = 60.0

WITHHELD = "withheld"

# How a call ended.
ANSWERED = "answered"
MISSED = "missed"
GAVE_UP = "gave up while it rang"
LEFT_MENU = "left the menu"
CUT_OFF = "cut off by Airtel"


@dataclass(frozen=True)
class IncomingOrder:
    """Who calls which Airtel number, and where it is reported.

    - ``customer``: 10 digits; a foreign number with its +; or WITHHELD.
    - ``digit``: pressed in Airtel's menu, or None.
    - ``written``: how numbers are written, as the switch numbers.
    - ``callbacks``: validation.Callback, each as if a POST had asked for it.
    """

    customer: str
    airtel_number: str
    digit: str | None
    written: str = "usual"
    callbacks: tuple = ()

    def spelled(self, number, usual=""):
        """Return a number as Airtel writes it.

        :param number: as it was dialled
        :param usual: its usual prefix
        """
        if number == WITHHELD:
            return ""
        if len(number) != 10 or not number.isdecimal():
            return number
        prefix = {"usual": usual, "plain": ""}.get(self.written, self.written)
        return prefix + number


@dataclass
class IncomingStory(Story):
    """A whole incoming call; ``order`` is an IncomingOrder, ``script`` a Manner.

    ``agent_legs`` are the phones that rang, in their order; ``customer_legs`` contains the caller.
    ``outcome`` says how it ended; ``own`` are the keys that the receiver gave to the phone that
    answered, or rang last.
    """

    outcome: str = MISSED
    own: dict = field(default_factory=dict)

    @property
    def missed_legs(self):
        """The phones that rang and were not answered."""
        return [leg for leg in self.agent_legs if leg.answered is None]


def greeting(order):
    """Return the moment at which Airtel greets the caller."""
    caller = Leg(FROM, Participant(order.customer, None, order.airtel_number), "", started=0.0)
    return Moment(GREETING_AFTER, EVENT, "MEDIA", "Played", caller)


def asked_at(order):
    """Return when the receiver is asked, in call seconds: after the menu, if a digit is pressed."""
    return ASKED_AFTER + (MENU_SECONDS if order.digit is not None else 0.0)


def tell_left_menu(order, manner):
    """Tell a call in which the customer hangs up before anybody is rung."""
    teller = _Teller(order, manner)
    teller.hang_up_customer(LEAVES_MENU_AFTER)
    teller.story.outcome = LEFT_MENU
    return teller.finish()


def tell_cut_off(order, manner, at):
    """Tell a call that Airtel ends because there is nobody to ring."""
    teller = _Teller(order, manner)
    teller.end_customer(at)
    teller.story.outcome = CUT_OFF
    return teller.finish()


def tell_rings(order, manner, component, max_time, at):
    """Tell a call that rings phones.

    :param order: IncomingOrder
    :param manner: incoming_scripts.Manner
    :param component: validation.Component of routing.Candidate
    :param max_time: of the whole call in seconds; 0: no limit
    :param at: when the phones are dialled, in call seconds
    :return: IncomingStory, whose last moment is the CDR
    """
    teller = _Teller(order, manner)
    teller.ring_agents(component, max_time, at)
    return teller.finish()


class _Teller(Dialler):
    def __init__(self, order, manner):
        super().__init__(IncomingStory(order, manner))
        self.script = manner.script
        self.switches = manner.switches
        first = greeting(order)
        self.customer = first.leg
        self.customer.answered = 0.0
        self.story.customer_legs = [self.customer]
        self.story.moments = [first]

    def answers_after(self, _role):
        return AGENT_ANSWERS_AFTER

    def rings_for(self, participant):
        if self.switches["maxTime"] == "ring" and participant.max_time:
            return min(participant.max_time, LONGEST_RINGING)
        return RING_TIMEOUT

    def ring_agents(self, component, max_time, at):
        story = self.story
        does = {
            participant.number: self.script.agents[min(position, len(self.script.agents) - 1)]
            for position, participant in enumerate(component.participants)
        }
        story.agent_legs, agent, at = self.dial(
            TO, component, at, lambda participant: does[participant.number]
        )
        if component.strategy == PARALLEL and self.switches["parallelRinging"] == "first":
            self.hide_ringing_of_others()
        gives_up = self.gives_up_at()
        if gives_up is not None and gives_up < at:
            self.give_up(gives_up)
        elif agent:
            self.talk(agent, max_time)
        else:
            self.miss(at)
        if story.agent_leg:
            story.own = dict(story.agent_leg.participant.own)

    def hide_ringing_of_others(self):
        first = self.story.agent_legs[0]
        self.story.moments = [
            moment
            for moment in self.story.moments
            if moment.event != "Ringing" or moment.leg is first
        ]

    def gives_up_at(self):
        if self.script.gives_up is None:
            return None
        return self.story.agent_legs[0].started + RING_AFTER_DIAL + self.script.gives_up

    def give_up(self, at):
        story = self.story
        story.outcome = GAVE_UP
        dialled = [leg for leg in story.agent_legs if leg.started < at]
        story.moments = [
            moment
            for moment in story.moments
            if moment.leg is self.customer or moment.leg in dialled
        ]
        story.agent_legs = dialled
        self.hang_up_customer(at)
        for leg in dialled:
            self.cancel(leg, at + HANG_UP_STEP, "NetworkError", OTHER_PARTY_LEFT)

    def miss(self, at):
        at += HANG_UP_STEP
        if self.switches["voicemail"]:
            self.story.record_started = at
            at += VOICEMAIL_SECONDS
        self.end_customer(at)

    def talk(self, agent, max_time):
        story = self.story
        story.outcome = ANSWERED
        story.talk_started = agent.answered
        if self.switches["recorded"]:
            story.record_started = agent.answered
        limits = [self.script.talk_seconds, max_time]
        if self.switches["maxTime"] == "talk":
            limits.append(agent.participant.max_time)
        seconds = min(filter(None, limits))
        story.ended = agent.answered + seconds
        first, last = self.customer, agent
        if seconds == self.script.talk_seconds:
            story.hung_up_by = self.script.hangs_up
            if story.hung_up_by == scripts.AGENT:
                first, last = agent, self.customer
            first.hangup = USER_INITIATED
        self.end(first, story.ended, "Disconnected", "Disconnected", NORMAL)
        self.end(last, story.ended + HANG_UP_STEP, "Disconnected", "Disconnected", NORMAL)

    def hang_up_customer(self, at):
        self.customer.hangup = USER_INITIATED
        self.story.hung_up_by = scripts.CUSTOMER
        self.end_customer(at)

    def end_customer(self, at):
        self.story.ended = at
        self.end(self.customer, at, "Disconnected", "Disconnected", NORMAL)

    def finish(self):
        story = self.story
        story.moments.sort(key=lambda moment: moment.at)
        last = story.moments[-1].at
        self.add(max(story.ended + CDR_AFTER, last + HANG_UP_STEP), CDR)
        for index, moment in enumerate(story.moments):
            moment.index = index
        return story
