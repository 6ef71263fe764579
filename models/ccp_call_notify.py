import functools
import logging
import time
from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL, get_lang

from .contention import take_turns

_logger = logging.getLogger(__name__)

BUS_MESSAGE = "airtel_ccp.call"
NOTIFY_ACTION = "airtel_ccp.ir_cron_notify"
# The pauses before further attempts after a failed one; their number is the limit
PAUSES = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=4),
)
# How often finished work is committed, so that a slow rule keeps few calls locked
COMMIT_SECONDS = 0.15
BATCH = 100


class CcpCall(models.Model):
    """What follows once a call is derived: card, panel, live view, and rules about ended calls.

    A failure here does not undo the call's new state.
    """

    _inherit = "ccp.call"

    ended = fields.Boolean(
        "Ended, for automation rules",
        readonly=True,
        copy=False,
        help="Set once for each call, shortly after it ended, so that automation rules can start "
        "from it. A rule that fails changes nothing else about calls.",
    )
    notify_date = fields.Datetime(
        "Notify again at", readonly=True, copy=False, groups="base.group_system"
    )
    notify_tries = fields.Integer(
        "Times that notifying failed", readonly=True, copy=False, groups="base.group_system"
    )

    _notify_idx = models.Index("(notify_date) WHERE notify_date IS NOT NULL")
    _to_end_idx = models.Index("(id) WHERE state = 'ended' AND ended IS NOT TRUE")

    def _notify(self, derived):
        """Update card, panel and live view from what deriving calls changed.

        :param dict derived: by call: a ``ccp_call_fold.Derived``
        """
        self._read_ahead()
        records = self._records()
        stories = {call: derived[call].story for call in self}
        changes = {call: derived[call].changes for call in self}
        for call in self.filtered(lambda call: "result" in changes[call]):
            call._finish_list_item()
        news = {call for call in self if derived[call].has_new_lines}
        messages = self._update_cards(stories, records, changes, news)
        shown = self.filtered(lambda call: changes[call] or messages[call])
        shown._notify_agents(stories, messages)
        listed = self.filtered(lambda call: "state" in changes[call] or "live" in changes[call])
        self._notify_leaders(listed.company_id)
        answered = listed.filtered(lambda call: call.direction == "inbound")
        answered.filtered(lambda call: call.state in ("in_call", "ended"))._take_back_push()
        self._follow_incoming()

    def _read_ahead(self):
        """Prefetch the values of people and companies that sentences about these calls use.

        This takes a statement for each model. Otherwise Odoo reads all columns, and contacts once
        for each field that leads to them.
        """
        self.company_id.fetch(["partner_id", "ccp_chatter_mode"])
        users = self.user_id | self.env.user
        users.fetch(["partner_id"])
        people = self.partner_id | users.partner_id | self.company_id.partner_id
        people.fetch(["name", "lang", "tz", "commercial_company_name"])

    def _notify_anew(self):
        """Update card, panel and live view with all values of a call."""
        if self.reports_deleted or self.imported or self.erased:
            return
        self._finish_list_item()
        stories = {self: self._timeline()}
        messages = self._update_cards(stories, self._records())
        self._notify_agents(stories, messages)
        self._notify_leaders(self.company_id)
        self._follow_incoming()

    def _finish_list_item(self):
        """Mark the call list entry of a call done if the call reached the customer."""
        if self.list_item_id and self.result == "connected":
            self.list_item_id.state = "done"

    def _notify_agents(self, stories, messages):
        """Send changes to the browser of each call's agent, or of those whom it rings.

        The message holds nothing that depends on the agent's rights: a browser asks
        ``ccp.panel.state`` for that, once for each call and record.

        :param dict stories: by call: its ``ccp.call.timeline.Timeline``
        :param dict messages: by call: the chatter's ``mail.message`` records that are new or whose
            appearance changed
        """
        outgoing = self.filtered(lambda call: call.direction == "outbound")
        for agent, own in outgoing.grouped("user_id").items():
            for call in own._read_by(agent):
                # Ids only: a browser that shows a card then reads what its user may see
                values = {
                    "panel": call._agent_values(stories[call]),
                    "card_ids": messages[call].ids,
                }
                agent._bus_send(BUS_MESSAGE, values)
        if self != outgoing:
            (self - outgoing)._notify_rung(stories, messages)

    def _notify_rung(self, stories, messages):
        """Send changes to the browsers of those whom these incoming calls ring.

        :param dict stories: see ``_notify_agents``
        :param dict messages: see ``_notify_agents``
        """
        decisions = self._decisions()
        for call in self:
            for reader in call._rung_users(decisions[call]):
                read = call._read_by(reader)
                panel = read._incoming_values(reader, decisions[call], stories[call])
                reader._bus_send(BUS_MESSAGE, {"panel": panel, "card_ids": messages[call].ids})

    def _read_by(self, reader):
        """Return these calls with a reader's language and time zone, but unchanged rights.

        :param reader: a ``res.users``
        :rtype: odoo.models.BaseModel
        """
        lang = get_lang(self.env, reader.lang).code
        return self.with_context(lang=lang, tz=reader.tz, allowed_company_ids=[])

    def _notify_later(self, error, tries=1):
        """Mark a call whose notifying failed, for another try.

        By SQL, because an automation rule may be what failed. After the last try the call counts as
        notified, and its rules as run.

        :param Exception error: why it failed
        :param int tries: how often it failed since the call's last change
        """
        gives_up = tries > len(PAUSES)
        _logger.error(
            "Call %s: notifying failed, %s",
            self.id,
            "and is given up" if gives_up else "and is tried again",
            exc_info=error,
        )
        self._mark_notifying(
            False if gives_up else fields.Datetime.now() + PAUSES[tries - 1], tries, gives_up
        )

    def _mark_notifying(self, date, tries, is_over):
        """Write when to notify about a call again.

        :param datetime.datetime | bool date: naive UTC; False for never
        :param int tries: how often it failed
        :param bool is_over: whether rules about the call's end no longer run
        """
        self.env.cr.execute(
            SQL(
                """
                UPDATE ccp_call
                   SET notify_date = %s, notify_tries = %s,
                       ended = ended IS TRUE OR (%s AND state = 'ended')
                 WHERE id = %s
                """,
                date or None,
                tries,
                is_over,
                self.id,
            )
        )
        self.invalidate_recordset(["notify_date", "notify_tries", "ended"])

    @api.model
    def _cron_notify(self):
        """Notify again about calls whose notifying failed, and run rules for calls that ended."""

        def notify_some(is_patient=True):
            since = time.monotonic()
            done = 0
            while time.monotonic() - since < COMMIT_SECONDS:
                call = self._take_to_notify()
                if not call:
                    break
                call._notify_by_itself(is_patient)
                done += 1
            return done, self._count_to_notify()

        around = functools.partial(notify_some, is_patient=False)
        take_turns(self, notify_some, NOTIFY_ACTION, around=around)

    def _notify_by_itself(self, is_patient=True):
        """Notify about one call again or run its rules; each may fail without the other.

        :param bool is_patient: see ``contention.apart``
        """
        call = self.sudo().with_context(allowed_company_ids=[])
        errors = []

        def note(_call, error):
            errors.append(error)

        def notify(each):
            if each.notify_date:
                each._notify_anew()

        def run_rules(each):
            if each.state == "ended" and not each.ended:
                each.write({"ended": True})

        for work in (notify, run_rules):
            call._guarded(work, note, is_patient)
        if errors:
            call._notify_later(errors[0], self._times_notified() + 1)
        else:
            call._mark_notifying(False, 0, is_over=False)

    def _times_notified(self):
        """Return how often notifying about a call failed, by SQL: the ORM may be what fails."""
        query = SQL("SELECT COALESCE(notify_tries, 0) FROM ccp_call WHERE id = %s", self.id)
        return self.env.execute_query(query)[0][0]

    @api.model
    def _take_to_notify(self):
        """Lock and return the next call whose notifying or rules are due, or an empty recordset.

        :rtype: odoo.models.BaseModel
        """
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL(
                "SELECT call.id %s ORDER BY call.id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED",
                self._to_notify_sql(),
            )
        )
        return self.browse([row[0] for row in rows])

    @api.model
    def _count_to_notify(self):
        """Return how many calls are due now, at most ``BATCH``; see ``_take_to_notify``."""
        self.env.flush_all()
        return self.env.execute_query(SQL("SELECT count(*) %s", self._to_notify_sql()))[0][0]

    @api.model
    def _to_notify_sql(self):
        """Return FROM and WHERE of some calls whose notifying or rules are due now.

        :rtype: odoo.tools.SQL
        """
        # The array keeps the planner from reading all calls by id until it finds one
        return SQL(
            """
              FROM ccp_call call
             WHERE call.id = ANY(ARRAY(
                       SELECT id FROM ccp_call WHERE notify_date <= %s
                        UNION ALL
                       SELECT id
                         FROM ccp_call
                        WHERE state = 'ended' AND ended IS NOT TRUE AND notify_date IS NULL
                        LIMIT %s))
            """,
            fields.Datetime.now(),
            BATCH,
        )
