# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl-3.0).
"""Airtel's words for what happened to a leg, and their meanings.

Section 3 shows one word (``Removed``); the others come from field notes. Words are compared in
lower case without blanks and underscores (``fields.fold_name``). A word that is not listed has no
meaning.
"""

AGENT = "agent"
CUSTOMER = "customer"
FROM = "from"
"""The side of the caller; if Airtel calls both, the side whose phone rings first."""
TO = "to"
_WHO = {False: {FROM: AGENT, TO: CUSTOMER}, True: {FROM: CUSTOMER, TO: AGENT}}

DIALLED = "dialled"
RINGING = "ringing"
ANSWERED = "answered"
BUSY = "busy"
NO_ANSWER = "no_answer"
UNREACHABLE = "unreachable"
REJECTED = "rejected"
FAILED = "failed"
HUNG_UP = "hung_up"

UNANSWERED_ENDS = (BUSY, NO_ANSWER, UNREACHABLE, REJECTED)
"""Ends that alone show that the leg was not answered."""
ENDS = (*UNANSWERED_ENDS, FAILED, HUNG_UP)
LEG_WORDS = (DIALLED, RINGING, ANSWERED, *ENDS)
"""Everything that can happen to a leg."""

OVERALL_ANSWERED = ("answered", "connected")
"""A CDR's overall status if anyone but the agent answered."""
OVERALL_UNANSWERED = {
    "missed": NO_ANSWER,
    "noanswer": NO_ANSWER,
    "notanswered": NO_ANSWER,
    "unanswered": NO_ANSWER,
    "notconnected": NO_ANSWER,
    "busy": BUSY,
    "notreachable": UNREACHABLE,
    "unreachable": UNREACHABLE,
    "rejected": REJECTED,
    "failed": FAILED,
}
"""A CDR's overall status if nobody but the agent answered, with its reason."""

_EVENTS = {
    "callednumber": DIALLED,
    "called": DIALLED,
    "dialled": DIALLED,
    "dialed": DIALLED,
    "initiated": DIALLED,
    "ringing": RINGING,
    "alerting": RINGING,
    "answer": ANSWERED,
    "answered": ANSWERED,
    "connected": ANSWERED,
    "busy": BUSY,
    "userbusy": BUSY,
    "noanswer": NO_ANSWER,
    "noreply": NO_ANSWER,
    "notanswered": NO_ANSWER,
    "unanswered": NO_ANSWER,
    "notconnected": NO_ANSWER,
    "missed": NO_ANSWER,
    "notreachable": UNREACHABLE,
    "unreachable": UNREACHABLE,
    "switchedoff": UNREACHABLE,
    "rejected": REJECTED,
    "reject": REJECTED,
    "declined": REJECTED,
    "networkerror": FAILED,
    "failed": FAILED,
    "disconnected": HUNG_UP,
    "disconnect": HUNG_UP,
    "removed": HUNG_UP,
    "hangup": HUNG_UP,
    "completed": HUNG_UP,
}

_Q850 = {
    1: UNREACHABLE,  # unallocated number
    3: UNREACHABLE,  # no route to destination
    17: BUSY,
    18: NO_ANSWER,  # no user responding
    19: NO_ANSWER,  # alerted, no answer
    20: UNREACHABLE,  # absent subscriber
    21: REJECTED,
    22: UNREACHABLE,  # number changed
    27: UNREACHABLE,  # destination out of order
    28: UNREACHABLE,  # invalid number format
}

_SIP = {
    404: UNREACHABLE,
    408: NO_ANSWER,
    410: UNREACHABLE,
    480: UNREACHABLE,  # temporarily unavailable: switched off or no coverage
    484: UNREACHABLE,
    486: BUSY,
    600: BUSY,
    603: REJECTED,
    604: UNREACHABLE,
}

_WHO_HUNG_UP = {
    "caller": FROM,
    "from": FROM,
    "partya": FROM,
    "agent": AGENT,
    "destination": TO,
    "called": TO,
    "callee": TO,
    "to": TO,
    "partyb": TO,
    "customer": CUSTOMER,
    "systeminitiated": "system",
    "system": "system",
    "userinitiated": "user",
    "user": "user",
}


def who(side: str | None, incoming: bool) -> str | None:
    """Return who is on one of Airtel's two sides of a call, which depends on its direction.

    :param side: ``FROM``, ``TO`` or ``None``
    :param incoming: whether the customer called
    :return: ``AGENT``, ``CUSTOMER``, or ``None`` without a side
    """
    return _WHO[incoming].get(side)


def meaning(word: str, cause_code: int | None = None, sip_code: int | None = None) -> str | None:
    """Return the meaning of an event's or status's word; for a plain end, the causes decide."""
    what = _EVENTS.get(word)
    return reason(cause_code, sip_code) or HUNG_UP if what == HUNG_UP else what


def reason(cause_code: int | None, sip_code: int | None) -> str | None:
    """Return why a leg was not answered, by its Q.850 cause or SIP code; or ``None``."""
    return _Q850.get(cause_code) or _SIP.get(sip_code)


def is_overall_status(word: str) -> bool:
    """Return whether a CDR's overall status is known; events use all of its words, too."""
    return word in _EVENTS


def who_hung_up(word: str) -> str | None:
    """Return a side, a party, ``system``, ``user`` (one of the two parties) or ``None``."""
    return _WHO_HUNG_UP.get(word)
