import dataclasses
from datetime import timedelta

from psycopg2.errors import SerializationFailure, UniqueViolation

from odoo import api, models
from odoo.fields import Domain
from odoo.tools import SQL

from ..ccp.safe import number
from .callback_ledger import DONE, OPEN, Drop, Miss, Talk, promises
from .ccp_call import CUSTOMER_KEY

# How many calls and call-backs of one number are read, the newest first: this limits the cost of a
# number that floods a company
MOST_CALLS = 5000
MOST_CALLBACKS = 1000
# From how many of the latest missed calls the customer's record is read
MOST_READ = 20
# For calls to a number without a call flow
CALLBACK_MINUTES = 60


@dataclasses.dataclass(frozen=True)
class Fact:
    """The values that are read of one call."""

    id: int
    is_miss: bool
    is_talk: bool
    is_incoming: bool
    start: object
    end: object
    callback_id: int
    is_new: bool


class CcpCallback(models.Model):
    """Derives the call-backs of a number from the calls with that number.

    They depend on the set of calls and on people's decisions, not on the order in which calls are
    read, or how often. Whoever settles holds a lock, see ``_settle_callbacks``. If two still settle
    at once, both write the same row, and one of them is rolled back and starts again.
    """

    _inherit = "ccp.callback"

    @api.model
    def _settle_number(self, company, customer_number, trial=False):
        """Update the call-backs of a number from its calls.

        :param company: the ``res.company`` whose calls they are
        :param str customer_number: the last ten digits, or as many as the number has
        :param bool trial: whether to settle calls at the sandbox instead of real ones
        :return: the ids of the calls that were read
        :rtype: list[int]
        """
        callbacks = self.sudo()
        facts = callbacks._facts(company, customer_number, trial)
        rows = callbacks.search(
            Domain("company_id", "=", company.id)
            & Domain("customer_number", "=", customer_number)
            & Domain("trial", "=", trial)
            & Domain("erased", "=", False),
            order="id desc",
            limit=MOST_CALLBACKS,
        ).sorted("id")
        events, owners = callbacks._events(facts, rows)
        found = promises(events)
        if not found and not rows:
            return [fact.id for fact in facts]
        watchers = rows.filtered(lambda row: row.state == OPEN)._watchers()
        taken = callbacks._match(found, owners, rows)
        oldest = facts[0].start if len(facts) == MOST_CALLS else None
        # Their calls turned out not to be missed, or two call-backs turned out to be one. They
        # are deleted first, because an open one keeps another one from being opened.
        superfluous = rows.filtered(
            lambda row: row not in taken and not (oldest and row.last_missed < oldest)
        )
        superfluous.unlink()
        changed = callbacks.browse()
        by_id = {fact.id: fact for fact in facts}
        for promise, row in sorted(
            zip(found, taken, strict=True), key=lambda pair: pair[0].state == OPEN
        ):
            changed |= callbacks._write_promise(
                promise, row, by_id, (company, customer_number, trial), is_cut=bool(oldest)
            )
        if changed or superfluous:
            callbacks._notify_badges(watchers | changed._watchers())
        return [fact.id for fact in facts]

    @api.model
    def _facts(self, company, customer_number, trial):
        """Return the calls with a number, the oldest first: missed calls and conversations.

        Also calls that once were one of these and still belong to a call-back.

        :rtype: list[Fact]
        """
        self.env.flush_all()
        query = SQL(
            """
            SELECT id, owes_callback IS TRUE, result = 'connected', direction = 'inbound',
                   start_date, COALESCE(end_date, start_date), COALESCE(callback_id, 0),
                   to_settle IS TRUE
              FROM ccp_call
             WHERE id = ANY(ARRAY(
                       SELECT id FROM ccp_call
                        WHERE company_id = %(company)s AND %(key)s = %(number)s
                    UNION ALL
                       SELECT id FROM ccp_call
                        WHERE reverse(customer_second_number) = %(reversed)s
                    UNION ALL
                       SELECT id FROM ccp_call
                        WHERE customer_further_numbers IS NOT NULL
                          AND customer_further_numbers ~ %(further)s))
               AND company_id = %(company)s
               AND state = 'ended'
               AND imported IS NOT TRUE
               AND erased IS NOT TRUE
               AND COALESCE(trial, FALSE) = %(trial)s
               AND (owes_callback IS TRUE OR result = 'connected' OR callback_id IS NOT NULL)
             ORDER BY start_date DESC, id DESC
             LIMIT %(limit)s
            """,
            company=company.id,
            key=SQL(CUSTOMER_KEY),
            number=customer_number,
            reversed=customer_number[::-1],
            further=f"(^| ){customer_number}( |$)",
            trial=trial,
            limit=MOST_CALLS,
        )
        return [Fact(*row) for row in reversed(self.env.execute_query(query))]

    @api.model
    def _events(self, facts, rows):
        """Return the events of a number, and the call-back of each missed call.

        Missed calls that were deleted after their period are taken from the call-backs.

        :param list[Fact] facts: its calls
        :param rows: its call-backs
        :return: events, see ``promises``; and the call-back's id by the call's id, which is
            negative for a deleted call
        :rtype: tuple[list, dict[int, int]]
        """
        events, owners = [], {}
        for fact in facts:
            if fact.is_miss:
                events.append(Miss(fact.start, fact.id))
                owners[fact.id] = fact.callback_id
            elif fact.is_talk:
                events.append(Talk(fact.start, fact.id, max(fact.start, fact.end)))
        for row in rows:
            owners[-row.id] = row.id
            if row.deleted_attempts:
                events.append(Miss(row.deleted_first, -row.id, row.deleted_attempts))
                events.append(Miss(row.deleted_last, -row.id, 0))
            if row.dropped_date:
                events.append(Drop(row.dropped_date))
            if row.state == DONE and not row.closed_by_id:
                events.append(Talk(row.closed_date, -row.id, row.closed_date))
        return events, owners

    @api.model
    def _match(self, found, owners, rows):
        """Return the call-back of each promise, an empty recordset for a new one.

        If a call-back fits several promises, it goes to the latest one, which people work on.

        :param list[Promise] found: the promises
        :param dict owners: by call: the id of its call-back, or 0
        :param rows: the number's call-backs
        :rtype: list[odoo.models.BaseModel]
        """
        free = set(rows.ids)
        taken = []
        for promise in reversed(found):
            own = sorted({owners[miss.call_id] for miss in promise.misses} & free)
            row = rows.browse(own[:1])
            # If two turn out to be one, the agent who took either of them stays
            former = rows.browse(own).filtered("user_id")
            if row and former and not row.user_id:
                row.write({"user_id": former[0].user_id.id})
            free.difference_update(own[:1])
            taken.append(row)
        return taken[::-1]

    def _write_promise(self, promise, row, facts, key, is_cut):
        """Write one call-back as derived from the calls.

        :param Promise promise: the derived call-back
        :param row: its call-back; empty for a new one
        :param dict[int, Fact] facts: by call: its values
        :param tuple key: company, number, and whether it is a trial
        :param bool is_cut: whether only the newest calls were read
        :return: the call-back, if it changed
        :rtype: odoo.models.BaseModel
        """
        company, customer_number, trial = key
        own = [facts[miss.call_id] for miss in promise.misses if miss.call_id in facts]
        values = self._promise_values(promise)
        if row and is_cut:
            values["attempts"] = max(values["attempts"], row.attempts)
            values["first_missed"] = min(values["first_missed"], row.first_missed)
        is_news = not row or any(fact.is_new for fact in own)
        calls = self.browse().call_ids.browse([fact.id for fact in own[-MOST_READ:]])
        if is_news and calls:
            values |= self._record_values(calls, row)
        if not row or values["opened_date"] != row.opened_date:
            opening = calls.browse(fact.id for fact in own if fact.start == promise.opened)[:1]
            flow = opening.flow_id or row.flow_id
            values["due_date"] = self._due(promise.opened, flow, company)
        due = values.get("due_date") or row.due_date
        if not promise.proof or promise.proof.call_id > 0:
            values |= self._speed_values(promise, due)
        if promise.state == OPEN:
            values |= self._agent_values(values, row, due, company)
        changed = {
            name: value
            for name, value in values.items()
            if not row or row._fields[name].convert_to_write(row[name], row) != value
        }
        if not row:
            row = self._create_once(
                {
                    "company_id": company.id,
                    "customer_number": customer_number,
                    "trial": trial,
                    **values,
                }
            )
        elif changed:
            row.write(changed)
        self._link(row, promise, own)
        return row if changed else row.browse()

    @api.model
    def _create_once(self, values):
        """Create a call-back; if another transaction created it first, start this one again."""
        try:
            with self.env.cr.savepoint():
                return self.create(values)
        except UniqueViolation as error:
            raise SerializationFailure("another transaction opened this call-back") from error

    @api.model
    def _promise_values(self, promise):
        """Return the values of a call-back that depend on the calls alone."""
        return {
            "state": promise.state,
            "attempts": promise.attempts,
            "first_missed": promise.first,
            "last_missed": promise.last,
            "opened_date": promise.opened,
            "closed_by_id": promise.proof and max(promise.proof.call_id, 0) or False,
            "closed_date": promise.closed or False,
        }

    @api.model
    def _speed_values(self, promise, due):
        """Return the values that say how fast somebody called back.

        :param Promise promise: the derived call-back
        :param datetime.datetime due: when it was due, naive UTC
        """
        if promise.state != DONE:
            return {"callback_seconds": 0, "in_time_rate": 0}
        waited = promise.proof.at - promise.opened
        return {
            "callback_seconds": max(0, int(waited.total_seconds())),
            "in_time_rate": 100 if promise.proof.at <= due else 0,
        }

    @api.model
    def _record_values(self, calls, row):
        """Return the values about the customer, from the latest call that has them.

        :param calls: the missed calls, the oldest first
        :param row: the call-back; empty for a new one
        """
        latest = calls[-1]
        known = next((call for call in reversed(calls) if call.res_model or call.partner_id), None)
        team = latest.team_id or row.team_id or latest.flow_id.ring_team_id
        values = {
            "flow_id": latest.flow_id.id,
            "team_id": team.id,
            "customer_name": latest.customer_name
            or row.customer_name
            or number.mask(latest.customer_number or ""),
        }
        if known:
            values |= {
                "partner_id": known.partner_id.id,
                "res_model": known.res_model,
                "res_id": known.res_id,
                "customer_name": known.customer_name,
            }
        return values

    @api.model
    def _due(self, opened, flow, company):
        """Return until when a missed call must be answered.

        :param datetime.datetime opened: when it began, naive UTC
        :param flow: the ``ccp.call.flow`` of the Airtel number, empty if it is unknown
        :param company: the ``res.company`` that was called
        :return: naive UTC, in working time
        :rtype: datetime.datetime
        """
        minutes = flow.callback_minutes if flow else CALLBACK_MINUTES
        calendar = flow.calendar_id or company.resource_calendar_id
        due = calendar and calendar.plan_hours(minutes / 60, opened, compute_leaves=True)
        # None if the calendar has no working time. Rounded, because a day of a calendar ends a
        # microsecond before midnight
        due = (due or opened + timedelta(minutes=minutes)) + timedelta(milliseconds=500)
        return due.replace(microsecond=0)

    def _agent_values(self, values, row, due, company):
        """Return the agent of an open call-back that has none yet.

        :param dict values: the other values that are written
        :param row: the call-back; empty for a new one
        :param datetime.datetime due: when it is due
        :param company: the ``res.company`` that was called
        """
        if row.user_id:
            return {} if row.user_id in company._ccp_callers() else {"user_id": False}
        if row.released:
            return {}
        model = values.get("res_model", row.res_model)
        partner_id = values.get("partner_id", row.partner_id.id)
        record = self._ccp_records(model, [values.get("res_id", row.res_id)])
        owner = self.env["res.users"]
        field = record._fields.get("user_id") if record else None
        if field is not None and field.comodel_name == owner._name:
            owner = record.user_id
        owner = owner or self.partner_id.browse(partner_id or []).exists().user_id
        return {"user_id": owner.id} if owner and owner._ccp_can_call_back(company, due) else {}

    @api.model
    def _link(self, row, promise, own):
        """Write on calls to which call-back they belong.

        By SQL, because this change must not have the calls settled again.

        :param row: the call-back
        :param Promise promise: the derived call-back
        :param list[Fact] own: its missed calls
        """
        linked = [fact.id for fact in own]
        if promise.proof and promise.proof.call_id > 0:
            linked.append(promise.proof.call_id)
        self.env.cr.execute(
            SQL(
                """
                UPDATE ccp_call
                   SET callback_id = CASE WHEN id = ANY(%(linked)s) THEN %(row)s END
                 WHERE (id = ANY(%(linked)s) AND callback_id IS DISTINCT FROM %(row)s)
                    OR (callback_id = %(row)s AND direction = 'inbound' AND id <> ALL(%(linked)s))
                """,
                linked=linked,
                row=row.id,
            )
        )
        row.invalidate_recordset(["call_ids"])
        row.call_ids.invalidate_model(["callback_id"])
