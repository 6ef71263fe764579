from datetime import datetime, timedelta, timezone

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_date, format_time

from .ccp_call_bounds import check_note
from .utils import SEARCHED_PERIOD, time_zone

FOLLOW_UP_HOUR = 10
# The panel proposes no calls before and after these hours of the day
FIRST_HOUR = 9
LAST_HOUR = 21
# Proposed times are multiples of this
ROUND_MINUTES = 5
ONE_DAY = timedelta(days=1)


class CcpCall(models.Model):
    """The next call that a rep plans in the panel: one activity for each call."""

    _inherit = "ccp.call"

    follow_up_id = fields.Many2one(
        "mail.activity",
        "Follow-up",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
    )

    def _open_follow_up(self):
        """Return this call's follow-up, as superuser; empty if done or someone else's by now."""
        self.ensure_one()
        return self.sudo().follow_up_id.filtered(
            lambda activity: activity.active and activity.user_id == self.user_id
        )

    def _follow_up_values(self):
        """Return what the panel shows of this call's follow-up.

        :return: ``{"id": int, "text": str}``, or False when none is planned
        :rtype: dict | bool
        """
        activity = self._open_follow_up()
        if not activity:
            return False
        return {
            "id": activity.id,
            "text": self.env._(
                "Planned for %(date)s: %(summary)s",
                date=format_date(self.env, activity.date_deadline),
                summary=activity.summary or activity.activity_type_id.name,
            ),
        }

    def _follow_up(self, when, text):
        """Plan the current user's next call, and return when it is.

        :param str when: see ``ccp.panel.follow_up``
        :param str text: the subject
        :return: see ``ccp.panel.follow_up``
        :rtype: dict
        :raise UserError: when the record cannot have activities, or for a moment in the past
        :raise AccessError: when the rep may not plan one there
        """
        check_note(self.env, text)
        zone = time_zone(self.env.user.tz)
        moment = self._follow_up_moment(when, zone).astimezone(zone)
        date, time = self._plan_follow_up(moment, zone, text)
        self._notify_entry()
        outside = not self._is_time_to_call(moment)
        if outside:
            sentence = self.env._(
                "Planned for %(date)s at %(time)s, which is outside the calling hours or your "
                "working days.",
                date=date,
                time=time,
            )
        else:
            sentence = self.env._("Planned for %(date)s at %(time)s.", date=date, time=time)
        return {"sentence": sentence, "outside": outside}

    def _proposed_follow_ups(self):
        """Return the times that the panel proposes for a follow-up, each once.

        :return: see ``ccp.panel.follow_up_times``
        :rtype: list[dict]
        """
        zone = time_zone(self.env.user.tz)
        today = datetime.now(zone).date()
        proposed = {}
        for key, moment in self._follow_up_moments(zone).items():
            proposed.setdefault(moment, key)
        return [
            {
                "key": key,
                "when": fields.Datetime.to_string(moment.astimezone(timezone.utc)),
                "label": self._moment_in_words(moment, today),
            }
            for moment, key in proposed.items()
        ]

    @api.model
    def _moment_in_words(self, moment, today):
        """Return a short text for a moment, such as a day and a time.

        :param datetime.datetime moment: aware, in the rep's time zone
        :param datetime.date today: today in that time zone
        :rtype: str
        """
        time = format_time(self.env, moment.time(), time_format="short")
        if moment.date() == today:
            return self.env._("Today at %s", time)
        if moment.date() == today + timedelta(days=1):
            return self.env._("Tomorrow at %s", time)
        date = format_date(self.env, moment.date(), date_format="EEE d MMM")
        return self.env._("%(date)s at %(time)s", date=date, time=time)

    def _follow_up_moment(self, when, zone):
        """Return the moment (aware) that a follow-up of this call is planned for.

        :param str when: see ``ccp.panel.follow_up``
        :param zone: the rep's time zone
        :rtype: datetime.datetime
        :raise UserError: for anything else, and for a moment in the past
        """
        if when in ("hour", "tomorrow"):
            return self._follow_up_moments(zone)[when]
        try:
            moment = fields.Datetime.to_datetime(when).replace(tzinfo=timezone.utc)
        except (ValueError, TypeError, AttributeError):
            raise UserError(self.env._("Choose a date and a time for the follow-up.")) from None
        if moment < datetime.now(timezone.utc):
            raise UserError(self.env._("Choose a time in the future."))
        return moment

    def _plan_follow_up(self, moment, zone, text):
        """Plan the next call, and replace the one that this call had planned.

        :param datetime.datetime moment: when, aware
        :param zone: the rep's time zone
        :param str text: the subject
        :return: the date and the time, in words
        :rtype: tuple[str, str]
        :raise UserError: when the record cannot have activities
        :raise AccessError: when the rep may not plan one there
        """
        self.ensure_one()
        record = self.with_user(self.env.user)._record()
        if not record or not hasattr(record, "activity_schedule"):
            raise UserError(
                self.env._("A follow-up cannot be planned here: the record takes no activities.")
            )
        local = moment.astimezone(zone)
        time = format_time(self.env, local.time(), time_format="short")
        values = {
            "date_deadline": local.date(),
            "summary": self.env._(
                "Call %(customer)s at %(time)s", customer=self.customer_name, time=time
            ),
        }
        planned = self._open_follow_up()
        if planned and (planned.res_model, planned.res_id) == (record._name, record.id):
            planned.with_user(self.env.user).write(
                {**values, "note": self._activity_note(text, record)}
            )
            self._announce_record(record)
        else:
            self.sudo().follow_up_id = self._plan_activity(
                record,
                note=text,
                act_type_xmlid="mail.mail_activity_data_call",
                user_id=self.env.uid,
                **values,
            )
        return format_date(self.env, local.date()), time

    def _take_back_follow_up(self):
        """Delete this call's follow-up with the rep's rights.

        :raise UserError: when it is done or belongs to someone else by now
        :raise AccessError: when the rep may not delete it
        """
        self.ensure_one()
        planned = self._open_follow_up()
        if not planned:
            raise UserError(
                self.env._(
                    "This follow-up is done, or somebody else has it now, so it cannot be "
                    "cancelled."
                )
            )
        record = self._record()
        planned.with_user(self.env.user).unlink()
        self._announce_record(record)

    def _follow_up_moments(self, zone):
        """Return possible times of a follow-up: in an hour and tomorrow morning, at a time to call.

        :param zone: the rep's time zone
        :return: by name (``hour``, ``tomorrow``): the moment, aware, in that zone
        :rtype: dict[str, datetime.datetime]
        """
        now = datetime.now(zone)
        soon = now + timedelta(hours=1)
        soon = soon.replace(second=0, microsecond=0)
        if soon.minute % ROUND_MINUTES:
            soon += timedelta(minutes=ROUND_MINUTES - soon.minute % ROUND_MINUTES)
        morning = (now + ONE_DAY).replace(hour=FOLLOW_UP_HOUR, minute=0, second=0, microsecond=0)
        hours, days = self._times_to_call(now, now + SEARCHED_PERIOD)
        return {
            "hour": self._first_moment(soon, hours, days),
            "tomorrow": self._first_moment(morning, hours, days),
        }

    def _is_time_to_call(self, moment):
        """Return whether a moment lies in the calling hours and on one of the rep's working days.

        :param datetime.datetime moment: aware, in the rep's time zone
        :rtype: bool
        """
        hours, days = self._times_to_call(moment - ONE_DAY, moment + ONE_DAY)
        is_open = hours is None or any(start <= moment < end for start, end in hours)
        return is_open and (days is None or moment.date() in days)

    def _times_to_call(self, start, end):
        """Return the calling hours of this call's company and flow, and the rep's working days.

        :param datetime.datetime start: aware
        :param datetime.datetime end: aware
        :return: a list of start and end of each opening, and a set of dates; None for each that is
            not limited
        :rtype: tuple[list | None, set | None]
        """
        self.ensure_one()
        company, flow = self.company_id.sudo(), self.flow_id.sudo()
        utc_start, utc_end = start.astimezone(timezone.utc), end.astimezone(timezone.utc)
        openings = None
        for calendar in company.ccp_calendar_id | flow.calendar_id:
            times = calendar._work_intervals_batch(utc_start, utc_end)[False]
            openings = times if openings is None else openings & times
        user = self.user_id.sudo().with_company(company)
        resource = user.resource_ids.filtered(lambda each: each.company_id == company)[:1]
        calendar = resource.calendar_id or company.resource_calendar_id
        if not calendar:
            days = None
        else:
            # Whole days: a day that has begun counts
            times = calendar._work_intervals_batch(
                utc_start - ONE_DAY, utc_end + ONE_DAY, resources=resource
            )[resource.id]
            days = {begin.date() for begin, _end, _record in times}
        if openings is None:
            return None, days
        return [(begin, close) for begin, close, _record in openings], days

    def _first_moment(self, moment, hours, days):
        """Return the first moment to call from a given one on; if there is none, that one itself.

        It lies in the daytime even if the calling hours are open around the clock; at night only
        if they are open only at night.

        :param datetime.datetime moment: aware, in the rep's time zone
        :param hours: see ``_times_to_call``
        :param days: see ``_times_to_call``
        :rtype: datetime.datetime
        """
        openings = [(moment, moment + SEARCHED_PERIOD)] if hours is None else hours
        for move in (self._by_day, lambda candidate: candidate):
            for start, end in openings:
                candidate = move(max(start.astimezone(moment.tzinfo), moment))
                while candidate < end:
                    if days is None or candidate.date() in days:
                        return candidate
                    next_day = candidate + ONE_DAY
                    if hours is not None:
                        next_day = next_day.replace(hour=0, minute=0, second=0, microsecond=0)
                    candidate = move(next_day)
        return moment

    @api.model
    def _by_day(self, moment):
        """Return a moment, or the next morning if it is in the evening or at night.

        :param datetime.datetime moment: aware, in the rep's time zone
        :rtype: datetime.datetime
        """
        if moment.hour >= LAST_HOUR:
            moment += ONE_DAY
        elif moment.hour >= FIRST_HOUR:
            return moment
        return moment.replace(hour=FIRST_HOUR, minute=0, second=0, microsecond=0)
