"""What happens in a call, chosen by the customer's number, like test cards for payments."""

from dataclasses import dataclass

from .errors import ERRORS

ANSWERS = "answers"
NO_ANSWER = "no answer"
BUSY = "busy"
UNREACHABLE = "unreachable"
REJECTS = "rejects"
SECOND_TRY = "second try"

AGENT = "agent"
CUSTOMER = "customer"

CONNECTS = "connects"


@dataclass(frozen=True)
class Script:
    """One course of a call.

    Fields with a default say how it differs from a call that connects:
    - ``agent``, ``customer``: what their phones do.
    - ``hangs_up``: who ends the call; None: the customer, and the CDR does not say who.
    - ``agent_gives_up``: the agent hangs up while the customer's phone rings.
    - ``talk_seconds``: length of the conversation in call seconds.
    - ``reply``: how the POST is answered: ok, slow, hang, broken, callback_first, reset, error
      (with the row ``error_key``), or a status of the gateway (403, 429, 503).
    - ``silent``: nothing is ever reported.
    - ``cdr``: after (the last event), early (before the last ones), first (before all of them),
      twice, contradicted (by a CDR of another try, which was missed) or never.
    - ``recording``: ready, late, never, html or none (not recorded).
    - ``shuffled``: events come in another order, some of them twice.
    - ``prefixed``: numbers with +91 and 0, times in epoch milliseconds.
    - ``sparse``: the CDR has only a few fields.
    - ``swapped``: causeCode and sipCode are swapped.
    - ``dialect``: of the CDR; None: the sandbox's.
    - ``template``: shape of the CDR, for accounts whose CDR differs from the dialect's: typed,
      wrapped, list, nested, status or untimed; see ``cdr.TEMPLATES``.
    """

    name: str
    number: str
    summary: str
    agent: str = ANSWERS
    customer: str = ANSWERS
    hangs_up: str | None = None
    agent_gives_up: bool = False
    talk_seconds: float = 20.0
    reply: str | int = "ok"
    error_key: str | None = None
    silent: bool = False
    cdr: str = "after"
    recording: str = "ready"
    shuffled: bool = False
    prefixed: bool = False
    sparse: bool = False
    swapped: bool = False
    dialect: str | None = None
    template: str | None = None

    @property
    def calls(self):
        """Whether phones ring at all after the request."""
        return self.reply in ("ok", "slow", "hang", "broken", "callback_first")


CALL_SCRIPTS = (
    Script(CONNECTS, "7000000101", "agent and customer answer and talk, the customer hangs up"),
    Script("agent_no_answer", "7000000102", "the agent doesn't answer", agent=NO_ANSWER),
    Script("busy", "7000000103", "the customer is busy", customer=BUSY),
    Script("no_answer", "7000000104", "the customer doesn't answer", customer=NO_ANSWER),
    Script("unreachable", "7000000105", "the customer can't be reached", customer=UNREACHABLE),
    Script("rejects", "7000000106", "the customer rejects the call", customer=REJECTS),
    Script("cdr_early", "7000000107", "the CDR comes before the last events", cdr="early"),
    Script("cdr_twice", "7000000108", "the CDR comes twice", cdr="twice"),
    Script("cdr_never", "7000000109", "the CDR never comes", cdr="never"),
    Script(
        "recording_late",
        "7000000110",
        "the recording is 404 for 60 seconds after the CDR",
        recording="late",
    ),
    Script("recording_never", "7000000111", "the recording stays 404", recording="never"),
    Script(
        "shuffled", "7000000112", "events come in another order, some of them twice", shuffled=True
    ),
    Script("slow_answer", "7000000113", "the POST is answered after 5 seconds", reply="slow"),
    Script(
        "answer_500",
        "7000000114",
        "the POST is answered 500 with the specification's body",
        reply="error",
        error_key="AIRTEL_ONLINE_UNCAUGHT_ERROR",
    ),
    Script("answer_503", "7000000115", "the POST is answered 503", reply=503),
    Script(
        "never_answered",
        "7000000116",
        "the POST is not answered within 120 seconds, though the phones ring",
        reply="hang",
    ),
    Script(
        "broken_answer",
        "7000000117",
        "the POST is answered 200 with half a body, though the phones ring",
        reply="broken",
    ),
    Script(
        "callback_first",
        "7000000118",
        "the first reports come before the POST is answered",
        reply="callback_first",
    ),
    Script("agent_busy", "7000000119", "the agent is busy", agent=BUSY),
    Script("agent_unreachable", "7000000120", "the agent can't be reached", agent=UNREACHABLE),
    Script(
        "canceled",
        "7000000121",
        "the agent hangs up while the customer's phone rings",
        hangs_up=AGENT,
        agent_gives_up=True,
    ),
    Script(
        "silent", "7000000122", "the POST is answered 200, then no report ever comes", silent=True
    ),
    Script("long_call", "7000000123", "they talk for 5 minutes", talk_seconds=300.0),
    Script(
        "second_try",
        "7000000124",
        "the customer answers on the second try (needs maxRetries of 1 or more)",
        customer=SECOND_TRY,
    ),
    Script(
        "customer_hangs_up",
        "7000000125",
        "the customer hangs up, and the CDR says so",
        hangs_up=CUSTOMER,
    ),
    Script(
        "agent_hangs_up", "7000000126", "the agent hangs up, and the CDR says so", hangs_up=AGENT
    ),
    Script("not_recorded", "7000000127", "the call is not recorded", recording="none"),
    Script(
        "prefixed_numbers",
        "7000000128",
        "reports have numbers with +91 and 0, and times in epoch milliseconds",
        prefixed=True,
    ),
    Script("sparse_cdr", "7000000129", "the CDR has only a few fields", sparse=True),
    Script("reset", "7000000130", "the connection is reset, no phone rings", reply="reset"),
    Script(
        "answer_403", "7000000131", "the POST is answered 403: address not allow-listed", reply=403
    ),
    Script("answer_429", "7000000132", "the POST is answered 429: too many requests", reply=429),
    Script("swapped_causes", "7000000133", "causeCode and sipCode are swapped", swapped=True),
    Script(
        "recording_html", "7000000134", "the recording is a web page, not a sound", recording="html"
    ),
    Script("camel", "7000000135", "the CDR is in the camel dialect", dialect="camel"),
    Script("display", "7000000136", "the CDR is in the display dialect", dialect="display"),
    Script(
        "cdr_as_event",
        "7000000137",
        "the CDR has the eventType CDR, and its status is called callStatus",
        template="typed",
    ),
    Script(
        "cdr_wrapped",
        "7000000138",
        "the CDR lies in an object: eventType CDR, then data",
        template="wrapped",
    ),
    Script("cdr_list", "7000000139", "the CDR comes as a list of one", template="list"),
    Script(
        "recording_nested",
        "7000000140",
        "the recording's address lies in an object of the CDR",
        template="nested",
    ),
    Script(
        "status_only",
        "7000000141",
        "the CDR holds a session, callStatus and recordingURL, nothing else",
        template="status",
    ),
    Script(
        "two_cdrs",
        "7000000142",
        "two CDRs contradict each other: the call, then a missed try of 0 seconds",
        cdr="contradicted",
    ),
    Script(
        "no_duration",
        "7000000143",
        "the CDR says that the call was answered, and not how long it was",
        template="untimed",
    ),
)


def _error_script(index, row):
    how = f"; so does {row.provoked_by}" if row.provoked_by else ""
    return Script(
        f"error_{index:02d}",
        f"70000003{index:02d}",
        f'answers {row.status} {row.code} "{row.message}"{how}',
        reply="error",
        error_key=row.key,
    )


SCRIPTS = CALL_SCRIPTS + tuple(_error_script(index, row) for index, row in enumerate(ERRORS, 1))
BY_NAME = {script.name: script for script in SCRIPTS}
BY_NUMBER = {script.number: script for script in SCRIPTS}


def script_for(number):
    """Return the script of a 10-digit number; a number without a script connects."""
    return BY_NUMBER.get(number, BY_NAME[CONNECTS])


def text_table():
    """Return the scripts as plain text, one a line, for ``--help``."""
    width = max(len(script.name) for script in SCRIPTS)
    return "\n".join(f"{s.number}  {s.name:<{width}}  {s.summary}" for s in SCRIPTS)


def markdown_table():
    """Return the scripts as a Markdown table, for ``README.md`` beside this file."""
    rows = [f"| {s.number} | `{s.name}` | {s.summary} |" for s in SCRIPTS]
    return "\n".join(["| customer's number | script | what happens |", "|---|---|---|", *rows])
