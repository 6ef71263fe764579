from datetime import datetime, time, timedelta, timezone

from odoo import api, fields, models

from .measures import ATTEMPT, MEASURES, REACHED, TILES, add
from .utils import time_zone

DAYS = 30
# With fewer attempts a rate is mostly chance
ENOUGH = 5
# The columns of the table of agents
OF_REPS = ("attempts", "reached", "connect_rate", "talk_seconds", "agent_failures")


class CcpDashboard(models.AbstractModel):
    """The first figures for team leaders and managers; each opens the calls behind it."""

    _name = "ccp.dashboard"
    _description = "Dashboard of Airtel calls"

    @api.model
    @api.readonly
    def figures(self):
        """Return the figures of today and of the last 30 days, of the calls the user may see.

        Days begin at midnight in the user's time zone; today is the last of the 30 days. A figure
        is a dict with ``value`` (a number, or None if there is nothing to measure), ``domain`` (the
        calls behind it) and ``kind`` (``number``, ``percent`` or ``seconds``).

        :return: ``empty``, ``enough`` (the attempts from which on an hour's rate is shown),
            ``tiles`` (``label``, ``today`` and ``month``: figures with the ``count`` of calls
            behind them), ``reps``, ``trend`` (a row for each day) and ``hours``
        :rtype: dict
        :raise AccessError: for users who are not team leaders or managers
        """
        self.env.user._ccp_check_leader()
        zone = time_zone(self.env.user.tz)
        today = datetime.now(zone).date()
        first = today - timedelta(days=DAYS - 1)
        dashboard = self.with_context(tz=zone.key)
        month = dashboard._period(first, today, zone)
        daily = dashboard.env["ccp.call.daily"]
        by_user = {key[0]: row for key, row in daily._attempts(month, ["user_id"]).items()}
        by_day = {
            key[0].date(): row for key, row in daily._attempts(month, ["start_date:day"]).items()
        }
        by_hour = daily._attempts(month, ["start_weekday", "start_hour"])
        of_today = [by_day[today]] if today in by_day else []
        tiles_today = dashboard._tiles(dashboard._period(today, today, zone), of_today)
        tiles_month = dashboard._tiles(month, by_day.values())
        return {
            "empty": not tiles_month["attempts"]["value"],
            "enough": ENOUGH,
            "tiles": [
                {"key": key, "label": label, "today": tiles_today[key], "month": tiles_month[key]}
                for key, label in self._labels().items()
            ],
            "reps": dashboard._reps(month, by_user),
            "trend": dashboard._trend(first, by_day, zone),
            "hours": dashboard._hours(month, by_hour),
        }

    @api.model
    def _labels(self):
        """Return the names of the tiles in their order."""
        return {
            "attempts": self.env._("Attempts"),
            "reached": self.env._("Reached"),
            "connect_rate": self.env._("Connect rate"),
            "customer_connect_rate": self.env._("Customer connect rate"),
            "talk": self.env._("Talk time"),
            "average_talk": self.env._("Average talk time"),
            "agent_ring": self.env._("Agent ring time"),
            "missed": self.env._("Missed by agent"),
            "no_outcome": self.env._("No outcome yet"),
        }

    @api.model
    def _period(self, first, last, zone):
        """Return the domain of the calls from one day to another, including both.

        :param datetime.date first: the first day
        :param datetime.date last: the last day
        :param zoneinfo.ZoneInfo zone: the time zone of the days
        :rtype: list
        """
        begin, end = (
            fields.Datetime.to_string(
                datetime.combine(day, time.min, zone).astimezone(timezone.utc).replace(tzinfo=None)
            )
            for day in (first, last + timedelta(days=1))
        )
        return [("start_date", ">=", begin), ("start_date", "<", end)]

    @api.model
    def _figure(self, kind, value, domain, **values):
        return {"kind": kind, "value": value, "domain": domain, **values}

    @api.model
    def _tiles(self, period, days):
        """Return the figures of a period by their keys.

        :param list period: a domain
        :param days: the sums of the period's days
        :rtype: dict[str, dict]
        """
        total = add(days)
        return {
            key: self._figure(
                measure.kind,
                measure.value(total),
                [*period, *measure.behind],
                count=measure.behind_count(total),
            )
            for key, measure in TILES.items()
        }

    @api.model
    def _reps(self, period, by_user):
        """Return a row for each agent, the busiest first.

        :param list period: a domain
        :param dict by_user: the sums of each agent
        :rtype: list[dict]
        """
        # A user may see calls of agents whose user records are hidden from that user
        users = self.env["res.users"].sudo().browse([user_id for user_id in by_user if user_id])
        users = users.sorted(lambda user: (-by_user[user.id]["attempts"], user.name, user.login))
        found = []
        for user in users:
            row = by_user[user.id]
            own = [*period, ("user_id", "=", user.id)]
            found.append(
                {
                    "id": user.id,
                    "name": user.name,
                    "figures": [
                        self._figure(measure.kind, measure.value(row), [*own, *measure.behind])
                        for measure in map(MEASURES.get, OF_REPS)
                    ],
                }
            )
        return found

    @api.model
    def _trend(self, first, by_day, zone):
        """Return attempts and reached of each day, including days without calls.

        :param datetime.date first: the first day
        :param dict by_day: the sums of each day with a call
        :param zoneinfo.ZoneInfo zone: the time zone of the days
        :rtype: list[dict]
        """
        nothing = add([])
        found = []
        for offset in range(DAYS):
            day = first + timedelta(days=offset)
            row = by_day.get(day, nothing)
            period = self._period(day, day, zone)
            found.append(
                {
                    "day": fields.Date.to_string(day),
                    "attempts": self._figure("number", row["attempts"], [*period, *ATTEMPT]),
                    "reached": self._figure("number", row["reached"], [*period, *REACHED]),
                }
            )
        return found

    @api.model
    def _hours(self, period, by_hour):
        """Return how often customers were reached in each hour of each weekday.

        :param list period: a domain
        :param dict by_hour: the sums of each weekday and hour
        :rtype: list[dict]
        """
        measure = MEASURES["customer_connect_rate"]
        found = []
        for (weekday, hour), row in sorted(by_hour.items(), key=str):
            count = measure.behind_count(row)
            if not (weekday and hour and count):
                continue
            moment = [("start_weekday", "=", weekday), ("start_hour", "=", hour)]
            found.append(
                {
                    "weekday": int(weekday),
                    "hour": int(hour),
                    "count": count,
                    **self._figure(
                        measure.kind, measure.value(row), [*period, *measure.behind, *moment]
                    ),
                }
            )
        return found
