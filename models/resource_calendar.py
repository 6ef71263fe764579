from datetime import timedelta

from odoo import models

MOMENT = timedelta(minutes=1)


class ResourceCalendar(models.Model):
    """Whether a moment is within working hours."""

    _inherit = "resource.calendar"

    def _ccp_is_within(self, moment, resources=None):
        """Return for whom a moment is working time, leave and holidays left out.

        :param datetime.datetime moment: aware
        :param resources: ``resource.resource`` records with this calendar, or None
        :return: by the id of a resource, and by False for those without one
        :rtype: dict[int | bool, bool]
        """
        self.ensure_one()
        times = self._work_intervals_batch(moment, moment + MOMENT, resources)
        return {
            each: any(start <= moment < end for start, end, _record in intervals)
            for each, intervals in times.items()
        }

    def _ccp_open_times(self, start, end, resources=None):
        """Return the working times of a period, for the time in which nobody can be asked.

        :param datetime.datetime start: aware
        :param datetime.datetime end: aware
        :param resources: see ``_ccp_is_within``
        :return: seconds since 1970 of the beginning and end of each, by the id of a resource, and
            by False for those without one
        :rtype: dict[int | bool, list[list[int]]]
        """
        self.ensure_one()
        times = self._work_intervals_batch(start, end, resources)
        return {
            each: [[int(begin.timestamp()), int(stop.timestamp())] for begin, stop, _r in intervals]
            for each, intervals in times.items()
        }
