# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl-3.0).
"""Whom an incoming call is put through to, and why: a pure function of the facts at that moment.

The rules are the same with the database and with the table on disk (``ccp.safe.route_table``).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256

from ..airtel import routing

REASONS = (
    "missed_agent",
    "record_owner",
    "salesperson",
    "last_agent",
    "team",
    "menu_team",
    "desk",
    "closed",
    "blocked",
    "flood",
    "unknown_number",
    "unreadable",
    "database_away",
)
WAYS = ("database", "disk", "fallback")
STRATEGIES = ("one", routing.SEQUENTIAL, routing.PARALLEL)
# One place of the list is reserved for the desk, which comes last
MAX_RING = routing.MAX_PARTICIPANTS - 1
SAME_SECONDS = 60
"""How long a repeated question gets the same answer."""
FLOOD_SECONDS = 600
FLOOD_COUNT = 20
"""After this many decisions within ``FLOOD_SECONDS`` a caller only rings the desk."""

_MAX_TEXT = 200
# Why an agent is not rung, in the order in which reasons are shown
OBSTACLES = ("caller", "phone", "blacklisted", "away", "hours", "busy")


@dataclass(frozen=True)
class About:
    """The record because of which somebody is rung."""

    res_model: str
    res_id: int
    name: str = ""


@dataclass(frozen=True)
class Ring:
    """One agent whose phone rings."""

    user_id: int
    number: str = field(repr=False)
    name: str = ""


@dataclass(frozen=True)
class Agent:
    """The facts about an agent at this moment."""

    user_id: int
    name: str
    number: str = field(default="", repr=False)
    """The phone that rings, ten digits; "" if there is none."""
    numbers: tuple[str, ...] = field(default=(), repr=False)
    """All phones of the agent, ten digits each."""
    away: bool = False
    """Whether the agent set themselves away."""
    at_work: bool = True
    """Whether it is the agent's working time, and the agent is not on leave."""
    busy: bool = False
    """Whether the agent is in a call, or a call rings the agent."""
    blacklisted: bool = False
    """Whether the owner of the phone asked not to be called."""

    def obstacle(self, customer: str) -> str:
        """Return why this agent is not rung, one of ``OBSTACLES``; "" if nothing prevents it.

        :param customer: the caller's last ten digits: no call rings its own caller
        """
        if customer and customer in (self.number, *self.numbers):
            return "caller"
        if not self.number:
            return "phone"
        if self.blacklisted:
            return "blacklisted"
        if self.away:
            return "away"
        if not self.at_work:
            return "hours"
        return "busy" if self.busy else ""


@dataclass(frozen=True)
class Candidate:
    """A user to whom a caller belongs, and why."""

    reason: str
    user_id: int
    about: About | None = None


@dataclass(frozen=True)
class Number:
    """An Airtel number that customers call, with its INBOUND flow's settings."""

    caller_number: str
    desk: str = field(repr=False)
    flow_id: int | None = None
    is_open: bool = True
    closed: str = field(default="", repr=False)
    ring_owner: bool = True
    ring_last_agent: bool = True
    strategy: str = "one"
    team_id: int | None = None
    menu: Mapping[str, int] = field(default_factory=dict)
    """The team of each digit of the menu."""
    rings_blocked: bool = False
    """Whether blacklisted callers are treated as any other."""


@dataclass(frozen=True)
class Known:
    """The facts about a caller and the users who may take the call.

    :ivar candidates: the users to whom the caller belongs, in the order of the rules
    :ivar members: the users of a team, by its id
    :ivar people: called with user ids; returns the agents among them, by id
    :ivar blocked: whether the caller is on the blacklist
    :ivar flooding: whether the caller called so often that only the desk is rung
    """

    candidates: tuple[Candidate, ...] = ()
    members: Callable[[int], Iterable[int]] = lambda _team: ()
    people: Callable[[Iterable[int]], Mapping[int, Agent]] = lambda _ids: {}
    blocked: bool = False
    flooding: bool = False


@dataclass(frozen=True)
class Decision:
    """Whom a call is put through to, in which order, and why."""

    id: str
    at: int
    """Milliseconds since 1970."""
    customer: str = field(repr=False)
    airtel_number: str
    digit: str
    reason: str
    about: About | None = None
    ring: tuple[Ring, ...] = ()
    """The phones that ring, in their order; if empty, the desk's."""
    desk: str = field(default="", repr=False)
    strategy: str = "one"
    flow_id: int | None = None
    team_id: int | None = None
    way: str = "database"

    def participants(self) -> list[tuple[str, str]]:
        """Return name and number of each phone that rings, for ``routing.answer``."""
        desk = [("Desk", self.desk)] if self.desk else []
        rung = [(each.name, each.number) for each in self.ring]
        if self.strategy == "one":
            return (rung or desk)[:1]
        if self.strategy == routing.SEQUENTIAL:
            return rung + [each for each in desk if each[1] not in {number for _n, number in rung}]
        return rung or desk

    def answer(self) -> dict:
        """Return the answer to Airtel.

        :raises ValueError: if nobody can be rung
        """
        strategy = self.strategy if self.strategy == routing.PARALLEL else routing.SEQUENTIAL
        return routing.answer(self.participants(), self.airtel_number, strategy)

    def about_record(self, about: About) -> "Decision":
        """Return the same decision with more details of its record."""
        return replace(self, about=about)

    def as_dict(self) -> dict:
        """Return the decision in a form that JSON stores."""
        return {
            "decision": 1,
            "id": self.id,
            "at": self.at,
            "customer": self.customer,
            "airtel_number": self.airtel_number,
            "digit": self.digit,
            "reason": self.reason,
            "about": None if self.about is None else dict(vars(self.about)),
            "ring": [dict(vars(each)) for each in self.ring],
            "desk": self.desk,
            "strategy": self.strategy,
            "flow_id": self.flow_id,
            "team_id": self.team_id,
            "way": self.way,
        }

    @classmethod
    def of_dict(cls, data) -> "Decision":
        """Return a decision from the result of ``as_dict``, even from a file that others may write.

        :raises ValueError: for any other value
        """
        if not isinstance(data, dict) or data.get("decision") != 1:
            raise ValueError("no decision")
        about = data.get("about")
        ring = data.get("ring")
        if not isinstance(ring, list) or len(ring) > routing.MAX_PARTICIPANTS:
            raise ValueError("no decision")
        return cls(
            id=_text(data, "id"),
            at=_whole(data, "at"),
            customer=_text(data, "customer"),
            airtel_number=_text(data, "airtel_number"),
            digit=_text(data, "digit"),
            reason=_one_of(data, "reason", REASONS),
            about=None
            if about is None
            else About(_text(about, "res_model"), _whole(about, "res_id"), _text(about, "name")),
            ring=tuple(
                Ring(_whole(each, "user_id"), _text(each, "number"), _text(each, "name"))
                for each in ring
            ),
            desk=_text(data, "desk"),
            strategy=_one_of(data, "strategy", STRATEGIES),
            flow_id=None if data.get("flow_id") is None else _whole(data, "flow_id"),
            team_id=None if data.get("team_id") is None else _whole(data, "team_id"),
            way=_one_of(data, "way", WAYS),
        )


@dataclass(frozen=True)
class Step:
    """A user who was considered for a decision."""

    user_id: int
    name: str
    reason: str
    about: About | None
    obstacle: str
    """Why this user is not rung, one of ``OBSTACLES`` or ``gone``; "" for users who are rung."""


def decided_key(decision: Decision) -> str:
    """Return what decisions about the same call have in common, see ``question_key``."""
    return question_key(routing.Question(decision.customer, decision.airtel_number, decision.digit))


def question_key(question: routing.Question) -> str:
    """Return what questions about the same call have in common.

    :param question: with each number in its place
    """
    parts = (
        routing.customer_key(question.customer),
        routing.key(question.airtel_number),
        question.digit,
    )
    return sha256("|".join(parts).encode()).hexdigest()


def decide(
    question: routing.Question,
    number: Number,
    known: Known,
    *,
    decision_id: str,
    at: int,
    way: str = "database",
    reason: str = "",
) -> tuple[Decision, tuple[Step, ...]]:
    """Decide who is rung: the only place with the rule.

    :param question: with each number in its place, see ``Question.turned``
    :param number: the Airtel number that was dialled, or one used instead of it
    :param known: the facts about caller and agents
    :param decision_id: 32 hexadecimal digits
    :param at: milliseconds since 1970
    :param way: where the facts come from, one of ``WAYS``
    :param reason: why the desk rings for any caller: ``unreadable``, ``unknown_number``,
        ``database_away``
    :return: the decision, and whom it considered, in order
    """
    customer = routing.customer_key(question.customer)
    if not reason and known.blocked and not number.rings_blocked:
        reason = "blocked"
    if not reason and known.flooding:
        reason = "flood"
    desks = [number.desk, number.closed]
    if not reason and not number.is_open:
        reason = "closed"
        desks.reverse()
    desks = [each for each in desks if each]
    team_id = number.menu.get(question.digit) or number.team_id
    steps = () if reason else tuple(_steps(question, number, known, team_id, at))
    rung = _rung(steps, number.strategy)
    first = rung[0] if rung else None
    people = known.people([each.user_id for each in rung]) if rung else {}
    # The desk's own phone is not rung by its own call, unless there is nobody else: without
    # anybody to ring, the call would end
    others = [each for each in desks if each != customer]
    desk = next(iter(others or (() if rung else desks)), "")
    return (
        Decision(
            id=decision_id,
            at=at,
            customer=customer,
            airtel_number=routing.digits(question.airtel_number) or number.caller_number,
            digit=question.digit,
            reason=reason or (first.reason if first else "desk"),
            about=first.about if first else None,
            ring=tuple(Ring(each.user_id, people[each.user_id].number, each.name) for each in rung),
            desk=desk,
            strategy=number.strategy,
            flow_id=number.flow_id,
            team_id=team_id,
            way=way,
        ),
        steps,
    )


def _steps(question, number, known, team_id, at):
    """Yield the users that the rules name, each once, as long as further ones can be needed."""
    customer = routing.customer_key(question.customer)
    allowed = {"missed_agent"}
    allowed |= {"record_owner", "salesperson"} if number.ring_owner else set()
    allowed |= {"last_agent"} if number.ring_last_agent else set()
    direct = [each for each in known.candidates if each.reason in allowed]
    people = known.people([each.user_id for each in direct]) if direct else {}
    seen = set()
    found = False
    for each in direct:
        if each.user_id in seen:
            continue
        seen.add(each.user_id)
        agent = people.get(each.user_id)
        obstacle = agent.obstacle(customer) if agent else "gone"
        found = found or not obstacle
        name = agent.name if agent else ""
        yield Step(each.user_id, name, each.reason, each.about, obstacle)
    if team_id is None or (found and number.strategy == "one"):
        return
    members = [each for each in known.members(team_id) if each not in seen]
    people = known.people(members) if members else {}
    reason = "menu_team" if question.digit in number.menu else "team"
    for user_id in _in_turn(sorted(set(members)), question, at):
        agent = people.get(user_id)
        if agent:
            yield Step(user_id, agent.name, reason, None, agent.obstacle(customer))


def _in_turn(members, question, at):
    """Return the members from a different one on for each call; the same for the same call."""
    if not members:
        return members
    turn = f"{question_key(question)}|{at // (SAME_SECONDS * 1000)}"
    first = int(sha256(turn.encode()).hexdigest()[:8], 16) % len(members)
    return members[first:] + members[:first]


def _rung(steps, strategy):
    free = [each for each in steps if not each.obstacle]
    return free[:1] if strategy == "one" else free[:MAX_RING]


def _text(data, name):
    value = data.get(name) if isinstance(data, dict) else None
    if not isinstance(value, str) or len(value) > _MAX_TEXT:
        raise ValueError(f"no decision: {name}")
    return value


def _whole(data, name):
    value = data.get(name) if isinstance(data, dict) else None
    if type(value) is not int or not 0 <= value < 2**53:
        raise ValueError(f"no decision: {name}")
    return value


def _one_of(data, name, values):
    value = data.get(name)
    if value not in values:
        raise ValueError(f"no decision: {name}")
    return value
