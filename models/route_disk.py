"""Routing without the database: from the table on disk, else from the process's memory."""

import hmac
import logging
import time
import uuid
from contextlib import suppress
from datetime import datetime, timezone
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from ..ccp.airtel import routing
from ..ccp.call import route
from ..ccp.safe.decisions import Decisions
from ..ccp.safe.faults import name_of
from ..ccp.safe.route_table import RouteTable
from ..ccp.safe.spool import Spool, digest

_logger = logging.getLogger(__name__)

# The table stores positions in these: the order must stay, as a table may be older than the code
REASONS = ("", "blocked", "record_owner", "salesperson", "last_agent")
MODELS = ("", "crm.lead", "res.partner", "helpdesk.ticket")
# The company of numbers that apply to every company: those on the blacklist
EVERY_COMPANY = 0

_tables = {}
# The data of this process's last answers, by the digest of their token
_remembered = {}
MOST_REMEMBERED = 1000


class Remembered(NamedTuple):
    """What a process needs for an answer without database and table."""

    company_id: int
    header: str | None
    secret: str | None
    number: route.Number

    def __repr__(self):
        """Show no secret, because logs and tracebacks print this."""
        return f"Remembered(company_id={self.company_id})"


class Answer(NamedTuple):
    """The answer to a request without the database."""

    status: int
    """200, 403 for a wrong secret, 404 for an unknown token, 503 if it cannot be checked."""
    decision: route.Decision | None = None


def remember(token, company_id, header, secret, number):
    """Remember what a company's answers need, for a time without database and table.

    :param str token: the last part of the routing URL
    :param int company_id: the company's id
    :param str | None header: the name of the secret header
    :param str | None secret: its value
    :param airtel_ccp.ccp.call.route.Number number: used instead of unknown ones
    """
    if len(_remembered) >= MOST_REMEMBERED:
        _remembered.clear()
    _remembered[digest(token)] = Remembered(company_id, header, secret, number)


def secret_digest(key, secret):
    """Return the digest by which a secret is recognised without the database.

    :param bytes key: the folder's key
    :param str secret: the right value of the header
    :rtype: str
    """
    return hmac.digest(key, secret.encode("utf-8", "surrogatepass"), sha256).hex()


def table_of(folder):
    """Return the table of a database, one for each process.

    :param folder: the folder of the database's spool
    :rtype: airtel_ccp.ccp.safe.route_table.RouteTable
    """
    return _tables.setdefault(str(folder), RouteTable(folder))


def answer(spool, token, value_of, question, now=None):
    """Decide whom a call is put through to, without the database.

    :param airtel_ccp.ccp.safe.spool.Spool | None spool: of the database whose key signed the
        token, if there is one
    :param str token: the last part of the routing URL
    :param value_of: called with a header's name; returns its value in the form of the secret,
        or None
    :param airtel_ccp.ccp.airtel.routing.Question question: as received
    :param float | None now: seconds since 1970, by default the current time
    :rtype: Answer
    """
    now = time.time() if now is None else now
    about = table_of(spool.folder).about() if spool else None
    if about is not None:
        found = _company_of(about, digest(token), now)
        if not found:
            return Answer(404)
        return _from_table(spool, found, value_of, question, now)
    known = _remembered.get(digest(token))
    if not known:
        return Answer(503)
    if not is_right(known.secret, known.header and value_of(known.header)):
        return Answer(403)
    question = question.turned({routing.key(known.number.caller_number)})
    decision = _decide(question, known.number, route.Known(), now, "fallback", "database_away")
    return _kept(spool, known.company_id, question, decision, now)


def is_right(secret, given):
    """Return whether a request has the right secret, or needs none.

    :param str | None secret: the company's secret
    :param str | None given: the request's
    :rtype: bool
    """
    if not secret:
        return True
    return hmac.compare_digest(digest(secret), digest(given or ""))


def note_refusal(folder, company_id):
    """Note that a request with a wrong secret came, which health then shows.

    :param folder: the folder of the database's spool
    :param int company_id: the company of the routing URL
    """
    path = Path(folder) / f"route.{company_id}.refused"
    with suppress(OSError):
        path.touch(mode=0o600)


def last_refusal(folder, company_id):
    """Return when the last request with a wrong secret came, or None.

    :param folder: the folder of the database's spool
    :param int company_id: the company of the routing URL
    :return: aware, in UTC
    :rtype: datetime.datetime | None
    """
    try:
        moment = (Path(folder) / f"route.{company_id}.refused").stat().st_mtime
    except OSError:
        return None
    return datetime.fromtimestamp(moment, timezone.utc)


def _company_of(about, token_digest, now):
    found = None
    for company in about.get("companies", ()):
        for each, until in company["tokens"].items():
            is_same = hmac.compare_digest(token_digest, each)
            if is_same and (not until or until > now) and not found:
                found = company
    return found


def _from_table(spool, company, value_of, question, now):
    """Decide from the table, see ``answer``."""
    try:
        key = spool.key()
    except OSError as error:
        _logger.warning("The key of the table on disk cannot be read (%s)", name_of(error))
        return Answer(503)
    if company["header"]:
        given = secret_digest(key, value_of(company["header"]) or "")
        if not hmac.compare_digest(given, company["secret"] or ""):
            note_refusal(spool.folder, company["id"])
            return Answer(403)
    numbers = company["numbers"]
    by_number = {routing.key(each["caller_number"]): each for each in numbers}
    question = question.turned(by_number)
    same = _known_decision(spool, company["id"], question, now)
    if same:
        return Answer(200, same)
    number, reason = _number_of(company, by_number, question, now)
    known = _known_of(spool, key, company, question, now)
    decision = _decide(question, number, known, now, "disk", reason)
    return _kept(spool, company["id"], question, decision, now)


def _number_of(company, by_number, question, now):
    numbers = company["numbers"]
    if not numbers:
        return route.Number(caller_number="", desk=company["phone"]), "unknown_number"
    found = by_number.get(routing.key(question.airtel_number))
    reason = "" if found else "unknown_number"
    if not found and len(numbers) == 1 and not question.airtel_number and question.is_readable:
        found, reason = numbers[0], ""
    found = found or numbers[0]
    values = {**found, "is_open": _is_within(found["open"], now)}
    del values["open"]
    return route.Number(**values), reason if question.is_readable else "unreadable"


def _known_of(spool, key, company, question, now):
    customer = routing.customer_key(question.customer)
    table = table_of(spool.folder)
    candidates = []
    for entry in table.find(key, company["id"], customer) if customer else ():
        if not 0 < entry.reason < len(REASONS):
            continue
        model = MODELS[entry.model] if entry.model < len(MODELS) else ""
        about = route.About(model, entry.res_id) if model and entry.res_id else None
        candidates.append(route.Candidate(REASONS[entry.reason], entry.user_id, about))
    people = company["people"]

    def look(user_ids):
        return {
            each: _agent(each, people[str(each)], now) for each in user_ids if str(each) in people
        }

    return route.Known(
        candidates=tuple(candidates),
        members=lambda team_id: company["teams"].get(str(team_id), ()),
        people=look,
        blocked=bool(customer and table.find(key, EVERY_COMPANY, customer)),
    )


def _agent(user_id, person, now):
    numbers = tuple(person["numbers"])
    return route.Agent(
        user_id=user_id,
        name=person["name"],
        number=numbers[0] if numbers else "",
        numbers=numbers,
        away=bool(person["away"] and person["away"] > now),
        at_work=_is_within(person["open"], now),
        blacklisted=person["blacklisted"],
    )


def _is_within(times, now):
    """Return whether a moment is within some times; True without a list of times."""
    return times is None or any(start <= now < end for start, end in times)


def _decide(question, number, known, now, way, reason):
    decision, _steps = route.decide(
        question,
        number,
        known,
        decision_id=uuid.uuid4().hex,
        at=int(now * 1000),
        way=way,
        reason=reason,
    )
    return decision


def _known_decision(spool, company_id, question, now):
    decisions = Decisions(spool.folder)
    found = decisions.known(company_id, route.question_key(question), route.SAME_SECONDS, now)
    with suppress(ValueError):
        return route.Decision.of_dict(found) if found else None
    return None


def _kept(spool, company_id, question, decision, now):
    """Return a decision as the answer, and store it on disk if possible."""
    if not decision.participants():
        return Answer(404)
    if spool:
        try:
            key = route.question_key(question)
            kept = Decisions(spool.folder).keep(company_id, key, decision.as_dict(), now)
            decision = route.Decision.of_dict(kept)
        except (OSError, ValueError) as error:
            # The caller waits: answering matters more than storing the answer
            _logger.warning("A decision cannot be kept on disk (%s)", name_of(error))
    return Answer(200, decision)


def keep(folder, company_id, decision):
    """Store on disk a decision that the database did not accept.

    :param folder: the folder of the database's spool
    :param int company_id: the company that is called
    :param airtel_ccp.ccp.call.route.Decision decision: the answer to Airtel
    """
    question = routing.Question(decision.customer, decision.airtel_number, decision.digit)
    _kept(Spool(folder), company_id, question, decision, decision.at / 1000)
