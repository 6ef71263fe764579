from datetime import datetime, timedelta
from typing import NamedTuple

from odoo import models
from odoo.tools import SQL

# How long working times are cached. The cache sees changes of the tables with working times; other
# changes, such as rules of other addons, take effect after this time
PERIOD = timedelta(minutes=10)
MOST_REMEMBERED = 500
# ``Times`` by database, calendar, resources and the content of the tables
_remembered = {}


class Times(NamedTuple):
    """Working times of a period, as a process remembers them."""

    since: datetime
    until: datetime
    times: dict
    """See ``_ccp_times_at``."""


class ResourceCalendar(models.Model):
    """Whether a moment is within working hours."""

    _inherit = "resource.calendar"

    def _ccp_is_open(self, moment):
        """Return whether a moment is within these opening hours; True without a calendar.

        :param datetime.datetime moment: aware
        :rtype: bool
        """
        return not self or self._ccp_is_within(moment)[False]

    def _ccp_is_within(self, moment, resources=None):
        """Return for whom a moment is working time, without leave and holidays.

        :param datetime.datetime moment: aware
        :param resources: ``resource.resource`` records with this calendar, or None
        :return: by resource id, and by False for people without a resource
        :rtype: dict[int | bool, bool]
        """
        self.ensure_one()
        return {
            each: any(start <= moment < end for start, end in times)
            for each, times in self._ccp_times_at(moment, resources).items()
        }

    def _ccp_times_at(self, moment, resources):
        """Return the working times from a moment on, from the process's cache if possible.

        Odoo takes milliseconds to find them while a caller waits. The cache is valid as long as the
        tables hold the same.

        :param datetime.datetime moment: aware
        :param resources: see ``_ccp_is_within``
        :return: start and end of each, by resource id, and by False for people without a resource
        :rtype: dict[int | bool, list[tuple]]
        """
        until = moment + PERIOD
        ids = sorted(resources.ids) if resources else []
        key = (self.env.cr.dbname, self.id, *ids, self._ccp_content(ids, moment, until))
        known = _remembered.get(key)
        if known and known.since <= moment < known.until:
            return known.times
        found = self._work_intervals_batch(moment, until, resources)
        times = {
            each: [(begin, stop) for begin, stop, _record in intervals]
            for each, intervals in found.items()
        }
        if len(_remembered) >= MOST_REMEMBERED:
            _remembered.clear()
        _remembered[key] = Times(moment, until, times)
        return times

    def _ccp_content(self, resource_ids, start, end):
        """Return a text that changes when the tables change their content about a period.

        :param list[int] resource_ids: the resources that use this calendar
        :param datetime.datetime start: aware
        :param datetime.datetime end: aware
        :rtype: str
        """
        self.env.flush_all()
        ((content,),) = self.env.execute_query(
            SQL(
                """
                SELECT md5(COALESCE(string_agg(line, ' ' ORDER BY line), ''))
                  FROM (SELECT calendar::text AS line
                          FROM resource_calendar calendar WHERE id = %(calendar)s
                         UNION ALL
                        SELECT attendance::text
                          FROM resource_calendar_attendance attendance
                         WHERE calendar_id = %(calendar)s
                         UNION ALL
                        SELECT resource::text
                          FROM resource_resource resource WHERE id = ANY(%(resources)s)
                         UNION ALL
                        SELECT absence::text
                          FROM resource_calendar_leaves absence
                         WHERE (calendar_id = %(calendar)s OR calendar_id IS NULL)
                           AND (resource_id = ANY(%(resources)s) OR resource_id IS NULL)
                           AND date_from <= %(end)s AT TIME ZONE 'UTC'
                           AND date_to >= %(start)s AT TIME ZONE 'UTC') held
                """,
                calendar=self.id,
                resources=resource_ids,
                start=start,
                end=end,
            )
        )
        return content

    def _ccp_open_times(self, start, end, resources=None):
        """Return the working times of a period, for the table that is used without a database.

        :param datetime.datetime start: aware
        :param datetime.datetime end: aware
        :param resources: see ``_ccp_is_within``
        :return: start and end of each in seconds since 1970, by resource id, and by False for
            people without a resource
        :rtype: dict[int | bool, list[list[int]]]
        """
        self.ensure_one()
        times = self._work_intervals_batch(start, end, resources)
        return {
            each: [[int(begin.timestamp()), int(stop.timestamp())] for begin, stop, _r in intervals]
            for each, intervals in times.items()
        }
