"""The course of an incoming call, chosen by name or by the customer's last digits."""

from dataclasses import dataclass, field

from . import scripts
from .scripts import ANSWERS, BUSY, NO_ANSWER, UNREACHABLE
from .switches import DEFAULTS

LAST_DIGITS = 5
# Call seconds: for how long the phones ring before the customer gives up.
SOON = 1.5
LATER = 12.0

FIRST_ANSWERS = "first_answers"


@dataclass(frozen=True)
class IncomingScript:
    """What people do in an incoming call, and the call's switches.

    - ``number``: a customer's number that chooses the script; its last digits are enough.
    - ``agents``: what the ringing phones do, in their order; the last one stands for all others.
    - ``gives_up``: how many call seconds the phones ring before the customer hangs up; None: the
      customer waits.
    - ``leaves_menu``: the customer hangs up before anybody is asked or rung.
    - ``hangs_up``: who ends the talk.
    - ``talk_seconds``: length of the talk in call seconds.
    - ``switches``: those that differ from their defaults.
    """

    name: str
    number: str
    summary: str
    agents: tuple = (ANSWERS,)
    gives_up: float | None = None
    leaves_menu: bool = False
    hangs_up: str = scripts.CUSTOMER
    talk_seconds: float = 20.0
    switches: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Manner:
    """The course of one call: its script and all its switches, with a script's properties."""

    script: IncomingScript
    switches: dict

    silent = False
    recording = "ready"

    @property
    def cdr(self):
        """When the CDR comes."""
        if self.script.leaves_menu and not self.switches["menuCdr"]:
            return "never"
        return self.switches["cdr"]

    @property
    def shuffled(self):
        """Whether events come in another order."""
        return self.switches["shuffled"]


def _scripts(*rows):
    return tuple(
        IncomingScript(name, str(7000000200 + position), summary, **more)
        for position, (name, summary, more) in enumerate(rows, 1)
    )


def _switched(**switches):
    return {"switches": switches}


SCRIPTS = _scripts(
    (FIRST_ANSWERS, "the first agent answers, they talk, the customer hangs up", {}),
    (
        "second_answers",
        "the first agent doesn't answer, the second does",
        {"agents": (NO_ANSWER, ANSWERS)},
    ),
    ("nobody_answers", "no agent answers", {"agents": (NO_ANSWER,)}),
    (
        "gives_up_early",
        "the customer hangs up within 5 seconds, while it rings",
        {"agents": (NO_ANSWER,), "gives_up": SOON},
    ),
    (
        "gives_up_late",
        "the customer hangs up after it rang for 12 seconds",
        {"agents": (NO_ANSWER,), "gives_up": LATER},
    ),
    ("gives_up_in_menu", "the customer hangs up in Airtel's menu", {"leaves_menu": True}),
    (
        "no_decision",
        "Airtel's flow asks nobody: its own desk rings",
        _switched(decision=False),
    ),
    ("agent_busy", "the agents are busy", {"agents": (BUSY,)}),
    ("agent_unreachable", "the agents can't be reached", {"agents": (UNREACHABLE,)}),
    ("agent_hangs_up", "the agent hangs up after the talk", {"hangs_up": scripts.AGENT}),
    (
        "ring_group",
        "all agents ring at once, the second answers; the CDR names who missed the call",
        {
            "agents": (NO_ANSWER, ANSWERS, NO_ANSWER),
            "switches": {"strategy": "PARALLEL", "template": "display"},
        },
    ),
    (
        "route_late",
        "the routing answer comes too late: the desk rings",
        _switched(routeAnswer="late"),
    ),
    ("route_fails", "the routing answer is lost: the desk rings", _switched(routeAnswer="fails")),
    ("route_empty", "the routing answer is empty: the desk rings", _switched(routeAnswer="empty")),
    (
        "asked_twice",
        "the first routing answer comes too late, Airtel asks again",
        _switched(routeAnswer="second", routeRetries=1),
    ),
    ("route_form", "Airtel asks by POST with a form", _switched(routeForm="form")),
    ("route_query", "Airtel asks by POST with a query and no body", _switched(routeForm="query")),
    ("route_get", "Airtel asks by GET", _switched(routeForm="get")),
    ("no_secret", "Airtel asks without the secret", _switched(secret="none")),
    ("wrong_secret", "Airtel asks with a wrong secret", _switched(secret="wrong")),
    ("two_secrets", "Airtel asks with two secrets", _switched(secret="twice")),
    (
        "route_swapped",
        "Airtel asks with customer and Airtel number in each other's place",
        _switched(routeSwapped=True),
    ),
    (
        "cdr_reduced",
        "the CDR has the reduced template, without session and participants",
        _switched(template="reduced"),
    ),
    ("cdr_camel", "the CDR has the camel template", _switched(template="camel")),
    ("cdr_display", "the CDR has the capitalised template", _switched(template="display")),
    ("cdr_twice", "the CDR comes twice", _switched(cdr="twice")),
    ("cdr_early", "the CDR comes before the last events", _switched(cdr="early")),
    ("cdr_first", "the CDR comes before all events", _switched(cdr="first")),
    ("cdr_never", "the CDR never comes", _switched(cdr="never")),
    ("cdr_list", "the CDR comes as a list of one", _switched(cdrList=True)),
    ("shuffled", "events come in another order, some of them twice", _switched(shuffled=True)),
    ("no_events", "no event comes, the CDR alone", _switched(events=False)),
    ("silent", "no report ever comes", _switched(events=False, cdr="never")),
    ("long_call", "they talk for 5 minutes", {"talk_seconds": 300.0}),
)
BY_NAME = {script.name: script for script in SCRIPTS}
BY_LAST_DIGITS = {script.number[-LAST_DIGITS:]: script for script in SCRIPTS}


def script_for(customer):
    """Return the script of a customer's number; for other last digits the first agent answers."""
    return BY_LAST_DIGITS.get(customer[-LAST_DIGITS:], BY_NAME[FIRST_ANSWERS])


def manner_of(script, *chosen):
    """Return the course of a call.

    :param script: IncomingScript
    :param chosen: dicts of switches that the script overrides; the last one overrides the script
    :return: Manner
    """
    *before, last = chosen
    switches = dict(DEFAULTS)
    for each in (*before, script.switches, last):
        switches.update(each)
    return Manner(script, switches)


def text_table():
    """Return the scripts as plain text, one a line, for ``--help``."""
    width = max(len(script.name) for script in SCRIPTS)
    return "\n".join(f"{s.number}  {s.name:<{width}}  {s.summary}" for s in SCRIPTS)


def markdown_table():
    """Return the scripts as a Markdown table, for ``README.md`` beside this file."""
    rows = [f"| {s.number} | `{s.name}` | {s.summary} |" for s in SCRIPTS]
    return "\n".join(["| customer's number | script | what happens |", "|---|---|---|", *rows])
