"""The switches of an incoming call: what can be chosen beside what its people do.

Half of them are facts that nobody has shown of Airtel's incoming calls. Each is a switch, so a
receiver can be tested with every possibility.
"""

import json
from dataclasses import dataclass

BOOLEAN = (False, True)
MOST_RETRIES = 5


@dataclass(frozen=True)
class Between:
    """The possible numbers of a switch: from ``low`` to ``high``, or only whole ones."""

    low: float
    high: float
    whole: bool = False

    def __contains__(self, value):
        kinds = int if self.whole else (int, float)
        return (
            isinstance(value, kinds)
            and not isinstance(value, bool)
            and self.low <= value <= self.high
        )

    def __str__(self):
        return f"a {'whole ' if self.whole else ''}number from {self.low:g} to {self.high:g}"


@dataclass(frozen=True)
class Switch:
    """One choice.

    - ``name``: as in JSON and on the command line.
    - ``allowed``: ``BOOLEAN``, a tuple of texts, or ``Between``.
    - ``default``: the value without a choice.
    - ``summary``: what it decides.
    - ``unproven``: whether no public source shows how Airtel behaves.
    """

    name: str
    allowed: object
    default: object
    summary: str
    unproven: bool = False

    @property
    def choices(self):
        """The possible values in words."""
        if isinstance(self.allowed, Between):
            return str(self.allowed)
        return ", ".join(_shown(value) for value in self.allowed)

    def allows(self, value):
        """Return whether a value is possible: 1 is not true, and true is not 1."""
        if isinstance(self.allowed, Between):
            return value in self.allowed
        return any(type(value) is type(other) and value == other for other in self.allowed)


SWITCHES = (
    Switch("decision", BOOLEAN, True, "whether Airtel asks the routing URL at all"),
    Switch(
        "routeForm",
        ("json", "form", "query", "get"),
        "json",
        "how it asks: POST with JSON, a form, or a query and no body; GET with a query",
    ),
    Switch(
        "secret",
        ("right", "wrong", "none", "twice"),
        "right",
        "which secret it sends, if the Airtel number has one; twice: a wrong one and the right one",
    ),
    Switch("routeSwapped", BOOLEAN, False, "whether customer and Airtel number change places"),
    Switch(
        "routeAnswer",
        ("arrives", "late", "fails", "empty", "second"),
        "arrives",
        "what happens to the answer on its way: late, lost or emptied; second: only the first "
        "answer is late (needs routeRetries)",
    ),
    Switch(
        "routeSeconds", Between(0.05, 60), 5.0, "how long an answer may take, in real seconds", True
    ),
    Switch(
        "routeRetries",
        Between(0, MOST_RETRIES, whole=True),
        0,
        "how often it asks again if there was no good answer",
        True,
    ),
    Switch(
        "routeFailure",
        ("desk", "hangUp"),
        "desk",
        "what happens without a good answer: Airtel's own desk rings, or the call ends",
        True,
    ),
    Switch(
        "participants",
        ("all", "first"),
        "all",
        "how many participants of the answer are honoured",
        True,
    ),
    Switch(
        "strategy",
        ("answered", "SEQUENTIAL", "PARALLEL"),
        "answered",
        "in which order they ring, whatever the answer's mergingStrategy is",
    ),
    Switch(
        "maxTime", ("ring", "talk"), "ring", "whether maxTime limits the ringing or the talk", True
    ),
    Switch("events", BOOLEAN, True, "whether events come, or the CDR alone", True),
    Switch(
        "parallelRinging",
        ("each", "first"),
        "each",
        "whether each phone that rings at once is reported, or the first alone",
        True,
    ),
    Switch("shuffled", BOOLEAN, False, "whether events come in another order, some of them twice"),
    Switch(
        "template",
        ("alternate", "camel", "display", "reduced"),
        "alternate",
        "of the CDR; reduced has no session, no participants and no epoch time; alternate: from "
        "call to call",
    ),
    Switch(
        "cdr",
        ("after", "early", "first", "twice", "never"),
        "after",
        "when the CDR comes: after the events, before the last ones, before all, twice or never",
    ),
    Switch("cdrList", BOOLEAN, False, "whether the CDR comes as a list of one"),
    Switch("menuCdr", BOOLEAN, True, "whether a call that was left in the menu has a CDR", True),
    Switch(
        "cdrSession",
        ("same", "other", "none"),
        "same",
        "the CDR's session: the events' one, another one or none",
        True,
    ),
    Switch(
        "missedDestination",
        ("null", "empty", "last"),
        "null",
        "the destination of a CDR of a call that nobody picked up: null, empty or the last tried",
        True,
    ),
    Switch(
        "missedNumbers", BOOLEAN, True, "whether the CDR names the agents who missed the call", True
    ),
    Switch(
        "missedStatus",
        ("Missed", "Disconnected", "Busy", "Not Connected"),
        "Missed",
        "what the CDR calls a call that nobody picked up",
        True,
    ),
    Switch(
        "answeredStatus",
        ("Answered", "Connected"),
        "Answered",
        "what the CDR calls a call that was picked up",
    ),
    Switch("callType", ("INBOUND", "Inbound"), "INBOUND", "what the CDR calls an incoming call"),
    Switch(
        "durationTexts", BOOLEAN, False, "whether the template camel writes milliseconds as texts"
    ),
    Switch(
        "emptyValue",
        ("null", "empty", "None", "dash", "absent"),
        "null",
        "how the CDR writes what it doesn't know",
    ),
    Switch(
        "numbers",
        ("usual", "plain", "0", "91", "+91"),
        "usual",
        "how numbers are written; usual: with a 0 in the CDR of the templates display and reduced, "
        "else plain",
    ),
    Switch("echo", BOOLEAN, False, "whether the CDR repeats a participant's own keys", True),
    Switch("recorded", BOOLEAN, True, "whether talk is recorded"),
    Switch(
        "voicemail",
        BOOLEAN,
        False,
        "whether the CDR of a call that nobody picked up has a recording",
        True,
    ),
    Switch(
        "clock",
        ("divided", "full"),
        "divided",
        "whether the times of reports are divided by the speed, as the waits are, or are those of "
        "a call at speed 1, which then ends in the future",
    ),
)
BY_NAME = {switch.name: switch for switch in SWITCHES}
DEFAULTS = {switch.name: switch.default for switch in SWITCHES}


def read_switches(wish):
    """Check chosen switches.

    :param wish: a client's object of names and values
    :return: the same, as a dict
    :raises ValueError: when there is no such switch, or the value is not possible
    """
    if not isinstance(wish, dict):
        raise ValueError('Switches are an object, such as {"missedStatus": "Busy"}.')
    for name, value in wish.items():
        switch = _switch(name)
        if not switch.allows(value):
            raise ValueError(f"The switch {name} can be: {switch.choices}.")
    return dict(wish)


def read_text(text):
    """Read ``name=value`` from the command line.

    :return: name, value
    :raises ValueError: when it has another form, or there is no such switch
    """
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"A switch is written name=value, not {text!r}.")
    allowed = _switch(name).allowed
    if allowed != BOOLEAN and not isinstance(allowed, Between):
        return name, value
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _switch(name):
    if name not in BY_NAME:
        raise ValueError(f"There is no switch {name!r}: there are {', '.join(BY_NAME)}.")
    return BY_NAME[name]


def _shown(value):
    return str(value).lower() if isinstance(value, bool) else value


def text_table():
    """Return the switches as plain text, for ``--help``."""
    return "\n".join(
        f"{switch.name} ({switch.choices}; default: {_shown(switch.default)}): {switch.summary}"
        for switch in SWITCHES
    )


def markdown_table():
    """Return the switches as a Markdown table, for ``README.md`` beside this file."""
    rows = [
        f"| `{switch.name}` | {switch.choices} | {_shown(switch.default)} | {switch.summary} "
        f"| {'[?]' if switch.unproven else ''} |"
        for switch in SWITCHES
    ]
    head = ["| switch | can be | default | what it decides | |", "|---|---|---|---|---|"]
    return "\n".join([*head, *rows])
