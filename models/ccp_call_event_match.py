import functools
import logging
import time
from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from ..ccp.airtel.reports import kind_and_fingerprint, split
from .ccp_call_bounds import keeps, pair_digest
from .ccp_call_event_incoming import IncomingNumbers
from .ccp_call_fold_mark import FOLD_ACTION
from .contention import apart
from .utils import naive_utc

_logger = logging.getLogger(__name__)

# Few, because calls with new reports wait meanwhile
MATCH_BATCH = 50
# How long to wait before looking for a call again after an error
MATCH_PAUSE = timedelta(minutes=15)
# How long a report to the company's own address waits for its call
MATCH_PERIOD = timedelta(days=1)
# How long before its CDR a call may have begun, if the CDR does not say when it began
PAIR_PERIOD = timedelta(hours=4)
# How far Airtel's clock may differ from ours, and the first ring from the click
CLOCK_TOLERANCE = timedelta(minutes=3)


class CcpCallEvent(models.Model):
    """Finds the calls of reports that came to a company's own notify URL."""

    _inherit = "ccp.call.event"

    @api.model
    def _match(self, is_patient=True):
        """Assign reports that came to a company's own notify URL to their calls.

        A report names its call by Airtel's correlation id, its session id, or the pair of numbers
        that were dialled. A report without a match waits, because an answer or another report may
        still name its call. It is looked at again only when a call that it names is folded, which
        happens after Airtel's answer and with each report. So waiting reports cost nothing,
        however many they are.

        :param bool is_patient: see ``contention.apart``
        :return: the reports that found their call
        :rtype: odoo.models.BaseModel
        """
        self._give_up()
        matched = self._unmatched(limit=MATCH_BATCH)._match_each(is_patient)
        calls = matched.filtered(lambda event: event.matched_by == "numbers").call_id
        if sessions := calls.filtered("session_id").mapped("session_id"):
            # Further reports may name the same call by its session id alone
            named = self._waiting() & Domain("named_session", "in", sessions)
            matched |= self.search(named, limit=MATCH_BATCH)._match_each(is_patient)
        return matched

    @api.model
    def _match_some(self, seconds, is_patient):
        """Look for the calls of some reports that were not looked at yet, for a short while.

        :param float seconds: when to stop; some reports are looked at in any case
        :param bool is_patient: see ``contention.apart``
        :return: how many were looked at
        :rtype: int
        """
        since = time.monotonic()
        before = left = self._count_unmatched()
        while left:
            self._match(is_patient)
            left = self._count_unmatched()
            if time.monotonic() - since >= seconds:
                break
        return max(0, before - left)

    @api.model
    def _waiting(self):
        """Return the domain of the reports that wait for their call.

        :rtype: odoo.fields.Domain
        """
        return Domain("call_id", "=", False) & Domain("folded", "=", False)

    @api.model
    def _unmatched(self, limit):
        """Return reports whose call must be looked for, the oldest first.

        :param int limit: how many at most
        :rtype: odoo.models.BaseModel
        """
        domain = self._waiting() & Domain("match_date", "=", False)
        return self.search(domain, limit=limit, order="id")

    @api.model
    def _count_unmatched(self):
        """Return how many reports have a call that must be looked for."""
        return self.search_count(self._waiting() & Domain("match_date", "=", False))

    @api.model
    def _give_up(self):
        """Stop waiting with reports whose call was not found within ``MATCH_PERIOD``."""
        self.flush_model()
        self.env.execute_query(
            SQL(
                """
                UPDATE ccp_call_event
                   SET folded = TRUE
                 WHERE call_id IS NULL AND folded IS NOT TRUE AND match_date IS NOT NULL
                   AND received_at < %s
                RETURNING id
                """,
                fields.Datetime.now() - MATCH_PERIOD,
            )
        )
        self.invalidate_model(["folded"], flush=False)

    @api.model
    def _naming(self, calls):
        """Return the condition for waiting reports that name one of some calls.

        :param calls: ``ccp.call`` records
        :rtype: odoo.tools.SQL
        """
        return SQL(
            """
            call_id IS NULL AND folded IS NOT TRUE
            AND (named_correlation = ANY(%s) OR named_session = ANY(%s) OR named_pair = ANY(%s))
            """,
            calls.filtered("correlation_id").mapped("correlation_id"),
            calls.filtered("session_id").mapped("session_id"),
            calls._pairs(),
        )

    def _match_each(self, is_patient=True):
        """Look for the calls of these reports; see ``_match``.

        :param bool is_patient: see ``contention.apart``
        :return: the reports that found their call
        :rtype: odoo.models.BaseModel
        """
        matched = []

        def look(some):
            found = some._match_together()
            # A report counts as matched only if writing it succeeds
            self.env.flush_all()
            matched.append(found)

        apart(self, look, lambda event, error: event._match_later(error), is_patient)
        return self.browse().union(*matched)

    def _match_together(self):
        """Look for the calls of these reports; if one fails, none is assigned.

        :return: the reports that found their call
        :rtype: odoo.models.BaseModel
        """
        now = fields.Datetime.now()
        matched = self.browse()
        calls = self.browse().call_id.sudo()
        erased_of = functools.cache(calls._erased_of)
        numbers_of = functools.cache(lambda company: IncomingNumbers(calls, company))
        alone = self._split()
        reports = {
            event: reports[0] for event, reports in zip(alone, alone._parsed_each(), strict=True)
        }
        known = self._known_names(reports.values())
        is_too_many = False
        for event, report in reports.items():
            call, matched_by = event._call_of(report, known)
            if not call and event._is_of_erased_call(report, erased_of(event.company_id)):
                event.unlink()
                continue
            seen = None
            if not call or call._is_reported_incoming():
                seen = event._sighting(report, numbers_of(event.company_id))
            if seen and call:
                call._learn(seen)
            elif seen and calls._is_erased_incoming(seen):
                event.unlink()
                continue
            elif seen:
                call, matched_by = calls._take_sighting(seen), "numbers"
            if not call:
                is_too_many |= event._wait_for_call(report, seen)
            elif event._is_repeat_of(call) or not keeps(call.report_bound, event.kind):
                event.unlink()
            else:
                event.write({"call_id": call.id, "matched_by": matched_by, "match_date": now})
                if not call.session_id and getattr(report, "session_id", ""):
                    call.session_id = report.session_id
                matched |= event
        if is_too_many:
            self.env.ref(FOLD_ACTION)._trigger(now + MATCH_PAUSE)
        return matched

    def _wait_for_call(self, report, seen):
        """Let this report wait for its call, with the names under which the call may be found.

        A report that names no call is never matched. One that would create an incoming call
        although its company has too many waits for a while.

        :param report: the report as the protocol core reads it
        :param ccp_call_event_incoming.Sighting | None seen: what it says of an incoming call
        :return: whether it waits because there are too many calls
        :rtype: bool
        """
        now = fields.Datetime.now()
        names = self._names(report)
        is_too_many = bool(seen and seen.is_sure)
        if is_too_many:
            names = {}
        elif seen and seen.customer:
            names["numbers"] = ("", seen.customer)
        is_over = self.received_at < now - MATCH_PERIOD or not (names or is_too_many)
        self.write({**self._kept_names(names), "folded": is_over, "match_date": now})
        return is_too_many

    def _is_repeat_of(self, call):
        """Return whether a call already has this report.

        :rtype: bool
        """
        same = Domain("call_id", "=", call.id) & Domain("fingerprint", "=", self.fingerprint)
        return bool(self.search_count(same, limit=1))

    @api.model
    def _known_names(self, reports):
        """Return which of Airtel's ids in some reports belong to a call, with two queries.

        :param reports: reports as the protocol core reads them
        :return: by key of ``matched_by``: the ids
        :rtype: dict[str, set]
        """
        calls = self.browse().call_id.sudo()
        names = [self._names(report) for report in reports]
        known = {}
        for how in ("correlation", "session"):
            field_name = f"{how}_id"
            ids = {each[how] for each in names if how in each}
            found = calls.search(Domain(field_name, "in", ids)) if ids else calls
            known[how] = set(found.mapped(field_name))
        return known

    @api.model
    def _kept_names(self, names):
        """Return the values that store the names under which a report may still find its call.

        :param dict names: see ``_names``
        :rtype: dict
        """
        pair = names.get("numbers")
        return {
            "named_correlation": names.get("correlation", False),
            "named_session": names.get("session", False),
            "named_pair": pair_digest(*pair) if pair else False,
        }

    def _match_later(self, error):
        """Put off a report after an error in the search for its call; see ``_look_again``.

        :param Exception error: why
        """
        _logger.error("Report %s: its call cannot be looked for now", self.id, exc_info=error)
        now = fields.Datetime.now()
        self.env.cr.execute(
            SQL("UPDATE ccp_call_event SET match_date = %s WHERE id = %s", now, self.id)
        )
        self.invalidate_recordset(["match_date"])
        self.env.ref(FOLD_ACTION)._trigger(now + MATCH_PAUSE)

    @api.model
    def _look_again(self):
        """Look again for the calls of reports whose search failed a while ago.

        Every other waiting report has a name under which its call may be found.
        """
        self.flush_model(["match_date"])
        self.env.cr.execute(
            SQL(
                """
                UPDATE ccp_call_event
                   SET match_date = NULL
                 WHERE call_id IS NULL AND folded IS NOT TRUE AND named_correlation IS NULL
                   AND named_session IS NULL AND named_pair IS NULL AND match_date <= %s
                """,
                fields.Datetime.now() - MATCH_PAUSE,
            )
        )
        if self.env.cr.rowcount:
            self.invalidate_model(["match_date"], flush=False)

    def _split(self):
        """Make one row of each report if one post brought several: each may be about another call.

        At any moment either the whole post or its parts are stored.

        :return: these reports, each alone in its row
        :rtype: odoo.models.BaseModel
        """
        alone = self.browse()
        for event, reports in zip(self, self._parsed_each(), strict=True):
            if len(reports) == 1:
                alone |= event
                continue
            for text in split(event.payload):
                kind, fingerprint = kind_and_fingerprint(text.encode())
                known = self.search(
                    Domain("company_id", "=", event.company_id.id)
                    & Domain("call_id", "=", False)
                    & Domain("fingerprint", "=", fingerprint)
                )
                alone |= known or self.create(
                    {
                        "company_id": event.company_id.id,
                        "kind": kind,
                        "payload": text,
                        "fingerprint": fingerprint,
                        "received_at": event.received_at,
                    }
                )
            event.unlink()
        return alone

    @api.model
    def _names(self, report):
        """Return the names under which a report's call may be found.

        :param report: a report as the protocol core reads it
        :return: by key of ``matched_by``: the value to look for
        :rtype: dict
        """
        names = {
            "correlation": getattr(report, "correlation_id", ""),
            "session": getattr(report, "session_id", ""),
            "numbers": self._pair(report),
        }
        return {name: value for name, value in names.items() if value}

    @api.model
    def _pair(self, report):
        """Return the last ten digits of agent and customer in a CDR, or None.

        :return: agent's, customer's
        :rtype: tuple[str, str] | None
        """
        legs = [leg for leg in getattr(report, "legs", ()) if leg.address]
        addresses = {report.who(leg): leg.address for leg in legs}
        pair = addresses.get("agent", ""), addresses.get("customer", "")
        return pair if all(len(each) == 10 for each in pair) else None

    def _call_of(self, report, known):
        """Return the call that a report names, and how it was found.

        :param report: a report as the protocol core reads it
        :param dict known: see ``_known_names``
        :return: a ``ccp.call`` of the report's company, empty if none or several fit, and a key of
            ``matched_by``
        :rtype: tuple
        """
        calls = self.browse().call_id.sudo()
        own = (
            Domain("company_id", "=", self.company_id.id)
            & Domain("manual", "=", False)
            & Domain("imported", "=", False)
            & Domain("reports_deleted", "=", False)
        )
        for matched_by, value in self._names(report).items():
            if matched_by == "numbers":
                found = self._calls_between(own, value, report)
            elif value not in known[matched_by]:
                continue
            else:
                found = calls.search(own & Domain(f"{matched_by}_id", "=", value), limit=2)
            if len(found) == 1:
                return found, matched_by
        return calls.browse(), False

    def _calls_between(self, own, pair, report):
        """Return the calls between two numbers that a CDR may be about.

        :param odoo.fields.Domain own: the calls that may be matched
        :param tuple pair: agent's and customer's last ten digits
        :param ccp.airtel.reports.Cdr report: the CDR
        """
        if report.direction == "inbound":
            return self.browse().call_id.sudo()
        agent, customer = pair
        started = naive_utc(report.started_at)
        if started:
            window = (started - CLOCK_TOLERANCE, started + CLOCK_TOLERANCE)
        else:
            window = (self.received_at - PAIR_PERIOD, self.received_at + CLOCK_TOLERANCE)
        calls = self.browse().call_id.sudo()
        found = calls.search(
            own
            & Domain("direction", "=", "outbound")
            & Domain("trial", "=", False)
            & Domain("request_outcome", "!=", "refused")
            & Domain("start_date", ">=", window[0])
            & Domain("start_date", "<=", window[1])
            & calls._numbers_domain("agent", [agent])
            & calls._numbers_domain("customer", [customer])
        )
        of_them = Domain("call_id", "in", found.ids) & Domain("kind", "=", "cdr")
        recorded = {call.id for (call,) in self._read_group(of_them, ["call_id"])}
        # A call with a CDR or ids of its own is a different call from this CDR's
        return found.filtered(
            lambda call: (
                call.id not in recorded
                and not (report.correlation_id and call.correlation_id)
                and not (report.session_id and call.session_id)
            )
        )
