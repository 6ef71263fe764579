import functools
import html
import logging
import re
from collections import defaultdict
from datetime import timedelta

from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.fields import Command, Domain

from odoo.addons.base.models.ir_qweb_fields import nl2br

from .contention import take_turns
from .utils import format_seconds

_logger = logging.getLogger(__name__)

# The bus message that says that messages or activities of a record changed
RECORD_MESSAGE = "airtel_ccp.record"
# How long a rep may take to choose an outcome; then the planned activity is marked done anyway
PATIENCE = timedelta(minutes=15)
BATCH = 200
TAG = re.compile(r"<[^>]*>")


class CcpCall(models.Model):
    """The planned activities of a call: the one that was clicked, and those that follow."""

    _inherit = "ccp.call"

    activity_id = fields.Many2one(
        "mail.activity",
        "Planned activity",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
        groups=fields.NO_ACCESS,
        help="The activity whose Call button was clicked.",
    )
    activity_message_ids = fields.Many2many(
        "mail.message",
        "ccp_call_activity_message_rel",
        "call_id",
        "message_id",
        "Messages about its activities",
        readonly=True,
        groups=fields.NO_ACCESS,
    )
    planned_activity_ids = fields.Many2many(
        "mail.activity",
        "ccp_call_planned_activity_rel",
        "call_id",
        "activity_id",
        "Follow-up activities",
        readonly=True,
        groups=fields.NO_ACCESS,
    )

    def _plan_activity(self, record, note="", **values):
        """Plan an activity that follows from this call, and link it to the call.

        Users of other companies can read the activities of a shared record: such an activity does
        not get the note, which stays in the call.

        :param record: the record that was called, with the rights of the user who plans
        :param str note: plain text, which the activity shows as it was typed
        :param values: see Odoo's ``activity_schedule``
        :return: the ``mail.activity``
        :rtype: odoo.models.BaseModel
        :raise AccessError: when the user may not plan on the record
        """
        self.ensure_one()
        try:
            activity = record.activity_schedule(note=self._activity_note(note, record), **values)
        except AccessError:
            raise AccessError(
                self.env._(
                    "You may not plan an activity on %s: ask somebody who may, or your "
                    "administrator.",
                    record.sudo().display_name,
                )
            ) from None
        self.sudo().planned_activity_ids = [Command.link(activity.id)]
        self._announce_record(record)
        return activity

    def _activity_note(self, text, record):
        """Return plain text as HTML for an activity of a record, which shows it as it was typed."""
        if not text or not self._is_open_on(record):
            return ""
        # Odoo's plaintext2html would turn addresses into links
        return Markup("<p>%s</p>") % nl2br(text)

    @api.model
    def _cron_consume_activities(self):
        """Mark planned calls done whose calls got no outcome and were not dismissed."""
        due = (
            Domain("result", "=", "connected")
            & Domain("activity_done", "=", False)
            & Domain("end_date", "<=", fields.Datetime.now() - PATIENCE)
        )
        # Calls that failed in this run; the next run tries them again
        failed = set()

        def consume_one(is_patient=True):
            left = due & Domain("id", "not in", list(failed))
            calls = self.search(left, limit=BATCH)
            call = calls.try_lock_for_update(allow_referencing=True, limit=1)
            if not call._consume_activity_or_later(is_patient):
                failed.update(call.ids)
            left &= Domain("id", "not in", list(failed))
            return len(call), self.search_count(left)

        around = functools.partial(consume_one, is_patient=False)
        take_turns(self, consume_one, "airtel_ccp.ir_cron_consume_activities", around=around)

    def _consume_activity_or_later(self, is_patient=True):
        """Mark the planned call done; if that fails, the scheduled action tries it again.

        :param bool is_patient: see ``contention.apart``
        :return: whether it succeeded
        :rtype: bool
        """
        errors = []

        def note(call, error):
            errors.append(error)
            _logger.error("Call %s: its planned call stays open for now", call.id, exc_info=error)

        self._guarded(lambda call: call._consume_activity(), note, is_patient)
        return not errors

    def _consume_activity(self):
        """Mark the planned call done that this call fulfils, in its agent's name.

        This is the activity that was clicked, else the agent's only planned call on the record that
        is due. If several are due, it is unknown which one was meant, and all stay.
        """
        self.ensure_one()
        call = self.sudo()
        if call.activity_done or call.result != "connected":
            return
        call.activity_done = True
        if not call.user_id:
            # An incoming call that a desk took belongs to no agent's plan
            return
        agent = call._as_agent()
        record = agent._record()
        if not record or "activity_ids" not in record._fields or not record.has_access("read"):
            return
        due = fields.Date.context_today(agent, call.start_date)
        planned = record.activity_ids.filtered(
            lambda activity: (
                activity.user_id.id in (False, call.user_id.id)
                and activity.activity_type_id.category == "phonecall"
            )
        )
        clicked = planned & agent.env["mail.activity"].browse(call.activity_id.id)
        answered = clicked or planned.filtered(
            lambda activity: (
                activity.user_id
                and activity.date_deadline <= due
                and activity.create_date <= call.start_date
            )
        )
        if len(answered) == 1:
            call.activity_id = answered
            answered.action_feedback(feedback=call._feedback(record))
            call._announce_record(record)

    def _feedback(self, record):
        """Return the feedback for a planned call that is done, fit for all readers of the record.

        :param record: the record on which it was planned
        :rtype: str
        """
        outcome = self.outcome_id.name or "" if self._is_open_on(record) else ""
        if self.talk_unknown:
            return self.env._("Called. %s", outcome).strip()
        return self.env._(
            "Called, talked for %(time)s. %(outcome)s",
            time=format_seconds(self.talk_seconds),
            outcome=outcome,
        ).strip()

    def _as_agent(self):
        """Return this call with its agent's rights and time zone, in all companies of the agent."""
        agent = self.user_id
        return self.with_user(agent).with_context(
            allowed_company_ids=list(agent.sudo()._get_company_ids()), tz=agent.tz
        )

    def _announce_record(self, record):
        """Have the browsers of the agent and of the current user reload a record's chatter.

        :param record: a record whose messages or activities changed
        """
        for user in self.sudo().user_id | self.env.user:
            user._bus_send(RECORD_MESSAGE, {"res_model": record._name, "res_id": record.id})

    def _erase_activities(self, keep_plans=False):
        """Delete the activities that followed from these calls, and the messages about them.

        :param bool keep_plans: whether activities that are still to be done stay on their records,
            without summary and note
        :return: the ids of the messages
        :rtype: list[int]
        """
        activities = self._own_activities()
        messages = self._activity_messages(activities).exists()
        message_ids = messages.ids
        messages.unlink()
        if keep_plans:
            plans = activities.filtered("active")
            plans.write({"summary": False, "note": False})
            activities -= plans
        activities.unlink()
        return message_ids

    def _own_activities(self):
        """Return the activities that followed from these calls, also those that are done.

        :return: as superuser
        :rtype: odoo.models.BaseModel
        """
        calls = self.sudo().with_context(active_test=False)
        return calls.planned_activity_ids | calls.activity_id.filtered("feedback")

    def _activity_messages(self, activities):
        """Return the messages that Odoo posted and mailed about activities of these calls.

        :param activities: see ``_own_activities``
        :rtype: odoo.models.BaseModel
        """
        messages = kept = self.sudo().activity_message_ids
        known = {_place(message) for message in kept}
        for activity in activities:
            if not activity.active and _place(activity) not in known:
                messages |= self._done_messages(activity)
            messages |= self._assigned_messages(activity)
        return messages

    @api.model
    def _done_messages(self, activity):
        """Return the messages that Odoo posted when an activity was marked done.

        Messages are linked to their calls, see ``_keep_done_messages``. Those from versions before
        that link are recognised by their content: type, summary, note and feedback.

        :param activity: one ``mail.activity`` that is done, as superuser
        :rtype: odoo.models.BaseModel
        """
        said = [_words(part) for part in (activity.note, activity.feedback)]
        said = list(filter(None, said)) or [_words(activity.summary)]
        return self._messages_about(activity).filtered(
            lambda message: (
                message.mail_activity_type_id == activity.activity_type_id
                and any(part and part in _words(message.body) for part in said)
            )
        )

    @api.model
    def _assigned_messages(self, activity):
        """Return the messages, and with them the e-mails, that assigned an activity to somebody.

        :param activity: one ``mail.activity``, as superuser
        :rtype: odoo.models.BaseModel
        """
        summary = _words(activity.summary)
        return self._messages_about(activity).filtered(
            lambda message: (
                summary
                and message.message_type == "user_notification"
                and summary in f"{_words(message.body)} {message.subject}"
            )
        )

    @api.model
    def _messages_about(self, activity):
        """Return the messages on an activity's record that could be about this activity."""
        return (
            self.env["mail.message"]
            .sudo()
            .search(
                [
                    ("model", "=", activity.res_model),
                    ("res_id", "=", activity.res_id),
                    "|",
                    ("mail_activity_type_id", "=", activity.activity_type_id.id),
                    ("message_type", "=", "user_notification"),
                ]
            )
        )

    @api.model
    def _keep_done_messages(self, activities, messages):
        """Store which messages Odoo posted when activities of calls were marked done.

        :param activities: ``mail.activity`` records that were just marked done
        :param messages: the messages about them, in the order of the activities of each record
        """
        by_place = defaultdict(list)
        for message in messages.sudo().sorted("id"):
            by_place[_place(message)].append(message)
        calls = self.sudo().with_context(active_test=False)
        calls = calls.search(
            [
                "|",
                ("planned_activity_ids", "in", activities.ids),
                ("activity_id", "in", activities.ids),
            ]
        )
        for activity in activities.sudo():
            posted = by_place[_place(activity)]
            if not posted:
                continue
            message = posted.pop(0)
            own = calls.filtered(
                lambda call: activity in call.planned_activity_ids | call.activity_id  # noqa: B023
            )
            own.activity_message_ids = [Command.link(message.id)]


def _place(record):
    """Return the record of an activity or of a message about one, and the activity's type."""
    if record._name == "mail.message":
        return record.model, record.res_id, record.mail_activity_type_id.id
    return record.res_model, record.res_id, record.activity_type_id.id


def _words(text):
    """Return the words of a text or of HTML, to compare texts whose HTML differs."""
    return " ".join(html.unescape(TAG.sub(" ", str(text or ""))).split())
