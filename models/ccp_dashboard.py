from datetime import datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

from odoo import api, fields, models
from odoo.exceptions import AccessError

from .ccp_call import HOME_TIME_ZONE, PICKED_UP_RESULTS

DAYS = 30
# Below so many attempts a share tells more of chance than of the hour
ENOUGH = 5
ATTEMPT = [("attempts", "=", 1)]
ENDED = [*ATTEMPT, ("result", "!=", False)]
OF_CUSTOMER = [*ENDED, ("agent_failures", "=", 0)]
REACHED = [("reached", "=", 1)]
MISSED = [("agent_failures", "=", 1)]
NO_OUTCOME = [*REACHED, ("outcome_id", "=", False)]
PICKED_UP = [
    *ATTEMPT,
    ("agent_ring_seconds", ">", 0),
    "|",
    ("agent_answer_date", "!=", False),
    ("result", "in", PICKED_UP_RESULTS),
]


class CcpDashboard(models.AbstractModel):
    """The figures that a team leader or manager sees first; each comes with the calls behind it."""

    _name = "ccp.dashboard"
    _description = "Dashboard of Airtel calls"

    @api.model
    def _check_user(self):
        if not self.env.user.has_group("airtel_ccp.group_ccp_team_leader"):
            raise AccessError(
                self.env._(
                    "You may not see figures of a team's calls: ask your administrator for the "
                    "right “Airtel calls: Team Leader”."
                )
            )

    @api.model
    def figures(self):
        """Return the figures of today and of the last 30 days, of the calls the user may see.

        A day begins at midnight of the user's time zone; today is the last of the 30 days. A
        figure is a dict with ``value`` (a number, or None where there is nothing to measure),
        ``domain`` (the calls behind it) and ``kind`` (``number``, ``percent`` or ``seconds``).

        :return: ``empty``, ``enough`` (attempts that an hour needs to tell something), ``tiles``
            (``label``, ``today`` and ``month``: figures with the ``count`` of calls behind them),
            ``reps``, ``trend`` (a row for each day) and ``hours``
        :rtype: dict
        :raise AccessError: for users who are not team leaders or managers
        """
        self._check_user()
        zone = ZoneInfo(self.env.user.tz or HOME_TIME_ZONE)
        today = datetime.now(zone).date()
        first = today - timedelta(days=DAYS - 1)
        dashboard = self.with_context(tz=zone.key)
        month = dashboard._period(first, today, zone)
        tiles_today = dashboard._tiles(dashboard._period(today, today, zone))
        tiles_month = dashboard._tiles(month)
        return {
            "empty": not tiles_month["attempts"]["value"],
            "enough": ENOUGH,
            "tiles": [
                {"key": key, "label": label, "today": tiles_today[key], "month": tiles_month[key]}
                for key, label in self._labels().items()
            ],
            "reps": dashboard._reps(month),
            "trend": dashboard._trend(first, today, zone),
            "hours": dashboard._hours(month),
        }

    @api.model
    def _labels(self):
        """Return the names of the tiles in their order."""
        return {
            "attempts": self.env._("Attempts"),
            "reached": self.env._("Customers reached"),
            "connect_rate": self.env._("Connect rate"),
            "customer_connect_rate": self.env._("Connect rate without our misses"),
            "talk": self.env._("Talk time"),
            "average_talk": self.env._("Average talk"),
            "agent_ring": self.env._("Rep's pick-up time"),
            "missed": self.env._("Missed by us"),
            "no_outcome": self.env._("No outcome yet"),
        }

    @api.model
    def _period(self, first, last, zone):
        """Return the domain of the calls from one day to another, both included.

        :param datetime.date first: the first day
        :param datetime.date last: the last day
        :param zoneinfo.ZoneInfo zone: where a day begins at midnight
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
    def _tiles(self, period):
        """Return the figures of a period by their key.

        :param list period: a domain
        :rtype: dict[str, dict]
        """
        calls = self.env["ccp.call"]
        [(rate, customer_rate, talk, average_talk)] = calls._read_group(
            [*period, *ATTEMPT],
            [],
            [
                "connect_rate:avg",
                "customer_connect_rate:avg",
                "talk_seconds:sum",
                "average_talk_seconds:avg",
            ],
        )
        attempts = ended = reached = missed = with_outcome = 0
        for result, count, failures, outcomes in calls._read_group(
            [*period, *ATTEMPT],
            ["result"],
            ["__count", "agent_failures:sum", "outcome_id:count"],
        ):
            attempts += count
            ended += count if result else 0
            missed += failures
            if result == "connected":
                reached, with_outcome = count, outcomes
        [(ring, picked_up)] = calls._read_group(
            [*period, *PICKED_UP], [], ["agent_ring_seconds:avg", "__count"]
        )

        def figure(kind, value, domain, count):
            return self._figure(kind, value, [*period, *domain], count=count)

        return {
            "attempts": figure("number", attempts, ATTEMPT, attempts),
            "reached": figure("number", reached, REACHED, reached),
            "connect_rate": figure("percent", rate, ENDED, ended),
            "customer_connect_rate": figure("percent", customer_rate, OF_CUSTOMER, ended - missed),
            "talk": figure("seconds", talk or 0, REACHED, reached),
            "average_talk": figure("seconds", average_talk, REACHED, reached),
            "agent_ring": figure("seconds", ring, PICKED_UP, picked_up),
            "missed": figure("number", missed, MISSED, missed),
            "no_outcome": figure(
                "number", reached - with_outcome, NO_OUTCOME, reached - with_outcome
            ),
        }

    @api.model
    def _reps(self, period):
        """Return a row for each agent, the busiest first.

        :param list period: a domain
        :rtype: list[dict]
        """
        rows = self.env["ccp.call"]._read_group(
            [*period, *ATTEMPT],
            ["user_id"],
            [
                "attempts:sum",
                "reached:sum",
                "connect_rate:avg",
                "talk_seconds:sum",
                "agent_failures:sum",
            ],
            order="attempts:sum desc, user_id",
        )
        found = []
        for user, attempts, reached, rate, talk, missed in rows:
            own = [*period, ("user_id", "=", user.id)]
            found.append(
                {
                    "id": user.id,
                    # Agents of a call that one may see need not be users that one may read
                    "name": user.sudo().name,
                    "figures": [
                        self._figure("number", attempts, [*own, *ATTEMPT]),
                        self._figure("number", reached, [*own, *REACHED]),
                        self._figure("percent", rate, [*own, *ENDED]),
                        self._figure("seconds", talk or 0, [*own, *REACHED]),
                        self._figure("number", missed, [*own, *MISSED]),
                    ],
                }
            )
        return found

    @api.model
    def _trend(self, first, last, zone):
        """Return attempts and reached of each day, days without a call included.

        :rtype: list[dict]
        """
        rows = self.env["ccp.call"]._read_group(
            [*self._period(first, last, zone), *ATTEMPT],
            ["start_date:day"],
            ["attempts:sum", "reached:sum"],
        )
        by_day = {moment.date(): (attempts, reached) for moment, attempts, reached in rows}
        found = []
        for offset in range(DAYS):
            day = first + timedelta(days=offset)
            attempts, reached = by_day.get(day, (0, 0))
            period = self._period(day, day, zone)
            found.append(
                {
                    "day": fields.Date.to_string(day),
                    "attempts": self._figure("number", attempts, [*period, *ATTEMPT]),
                    "reached": self._figure("number", reached, [*period, *REACHED]),
                }
            )
        return found

    @api.model
    def _hours(self, period):
        """Return how often customers were reached in each hour of each weekday.

        :param list period: a domain
        :rtype: list[dict]
        """
        rows = self.env["ccp.call"]._read_group(
            [*period, *OF_CUSTOMER],
            ["start_weekday", "start_hour"],
            ["__count", "reached:sum"],
        )
        return [
            {
                "weekday": int(weekday),
                "hour": int(hour),
                "count": count,
                **self._figure(
                    "percent",
                    100 * reached / count,
                    [
                        *period,
                        *OF_CUSTOMER,
                        ("start_weekday", "=", weekday),
                        ("start_hour", "=", hour),
                    ],
                ),
            }
            for weekday, hour, count, reached in rows
            if weekday and hour
        ]
