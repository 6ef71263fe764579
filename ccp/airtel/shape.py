# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl-3.0).
"""Which objects of a body that Airtel posted are reports, and of which kind each is.

The specification shows an event and promises a CDR (sections 1.1 and 3), but not what surrounds
them. So a report is recognised by its content, not by its ``eventType`` alone, wherever it is: in a
list, in an object of any name (``data``, ``payload``, ``cdr``, ...), or in a text that is JSON.

No function here raises.
"""

from ..safe import text
from . import vocabulary
from .fields import (
    Fields,
    fold_name,
)

EVENT = "event"
API_RESULT = "api_result"
CDR = "cdr"
UNREADABLE = "unreadable"

STATUS_NAMES = ("overallcallstatus", "overallstatus", "callstatus")
"""A CDR's overall status, in any template."""
CONVERSATION_NAMES = ("conversationduration", "talktime", "talkduration", "conversationtime")
BILLABLE_NAMES = ("billableduration", "billedduration")
TOTAL_NAMES = ("overallcallduration", "callduration", "totalduration", "duration")
SESSION_NAMES = ("sessionid", "vmsessionid")
RECORDING = "recording"
"""Part of the name of every field with a recording's address."""

MAX_REPORTS = 100
"""How many reports of one body are read."""
_MAX_DEPTH = 5
_MAX_OBJECTS = 400

_CDR_TYPES = ("cdr", "calldatarecord", "calldetailrecord", "calldetailsrecord")
_CDR_NAMES = (*CONVERSATION_NAMES, *BILLABLE_NAMES, "overallcallduration", "callerstatus")
_CDR_NAMES += ("destinationstatus", "callernumberstatus", "destinationnumberstatus")
# Objects that are parts of the report around them
_OWN_PARTS = ("metadata", "participants")
# Fields of an object around a report that belong to the report, too
_SHARED = ("sessionid", "vmsessionid", "clientcorrelationid", "correlationid")
_LIVE = (vocabulary.DIALLED, vocabulary.RINGING)


def kind(fields: Fields) -> str:
    """Return the kind of an object: ``EVENT``, ``API_RESULT``, ``CDR`` or ``UNREADABLE``."""
    event_type = fold_name(fields.text("eventtype"))
    word = fields.text("event")
    if event_type in _CDR_TYPES:
        return EVENT if _means_something(word) and not _has_results(fields) else CDR
    if event_type:
        has_results = _status(fields) and _has_measures(fields)
        return CDR if has_results and not word else EVENT
    if fields.text("requestmessagetype"):
        return API_RESULT
    status = _status(fields)
    if status and vocabulary.meaning(status) in _LIVE and not _has_measures(fields):
        return EVENT
    if status or (_has_measures(fields) or fields.text(*SESSION_NAMES)) and not word:
        return CDR
    if fields.has_objects("participants"):
        return CDR
    return EVENT if word else UNREADABLE


def reports(data, received_at=None) -> list[Fields]:
    """Return the objects of a parsed body that are reports, in their order.

    :param data: the parsed JSON value
    :param received_at: see ``Fields``
    :return: the object itself if nothing in it is a report; empty if there is no object
    """
    if isinstance(data, dict):
        fields = Fields(data, received_at)
        if _is_sure(fields):
            return [fields]
    return _Search(received_at).reports(data, _MAX_DEPTH)


class _Search:
    """One search through a body, limited in depth and in the number of objects."""

    def __init__(self, received_at):
        self._received_at = received_at
        self._left = _MAX_OBJECTS

    def reports(self, data, depth: int) -> list[Fields]:
        """Return the reports in any value of a body."""
        if isinstance(data, str) and data.lstrip()[:1] in ("{", "["):
            data = text.load(data)
        if isinstance(data, list):
            return self._of_each(data, depth)
        if not isinstance(data, dict) or self._left <= 0:
            return []
        self._left -= 1
        fields = Fields(data, self._received_at)
        if _is_sure(fields):
            return [fields]
        return self._inner(fields, depth) or [fields]

    def _of_each(self, values, depth: int) -> list[Fields]:
        if depth <= 0:
            return []
        found = []
        for value in values:
            found += self.reports(value, depth - 1)
            if len(found) >= MAX_REPORTS or self._left <= 0:
                break
        return found[:MAX_REPORTS]

    def _inner(self, outer: Fields, depth: int) -> list[Fields]:
        """Return the reports inside an object that is not a report by its own fields."""
        is_weak = kind(outer) != UNREADABLE
        values = [value for name, value in outer.items() if name not in _OWN_PARTS]
        found = self._of_each(values, depth)
        event_type = fold_name(outer.text("eventtype"))
        chosen = []
        for inner in found:
            inner_kind = kind(inner)
            if inner_kind == UNREADABLE and event_type in _CDR_TYPES:
                inner.inherit(outer, "eventtype")
            elif inner_kind == EVENT:
                inner.inherit(outer, "eventtype", "participantaddress")
            elif inner_kind == UNREADABLE or is_weak and not _is_sure(inner):
                continue
            inner.inherit(outer, *_SHARED)
            chosen.append(inner)
        return chosen


def _status(fields: Fields) -> str:
    return fold_name(fields.text(*STATUS_NAMES))


def _means_something(word: str) -> bool:
    folded = fold_name(word)
    return vocabulary.meaning(folded) is not None or folded.startswith(RECORDING)


def _has_measures(fields: Fields) -> bool:
    """Return whether it has what only a finished call has: durations, recording, ends of legs."""
    if any(name in fields for name in _CDR_NAMES):
        return True
    return any(name in fields for name in fields.named(RECORDING))


def _has_results(fields: Fields) -> bool:
    return bool(_status(fields)) or _has_measures(fields) or fields.has_objects("participants")


def _is_sure(fields: Fields) -> bool:
    """Return whether an object's own fields make it a report, so it is not searched."""
    word = fields.text("event")
    event_type = fold_name(fields.text("eventtype"))
    if word and (
        event_type not in ("", *_CDR_TYPES)
        or _means_something(word)
        or "participantaddress" in fields
    ):
        return True
    return bool(fields.text("requestmessagetype")) or _has_results(fields)
