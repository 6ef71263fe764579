from datetime import datetime, timedelta

from odoo import api, models
from odoo.fields import Domain

from .callback_ledger import DONE, OPEN
from .ccp_dashboard import DAYS
from .utils import time_zone


class CcpDashboard(models.AbstractModel):
    """Open call-backs, and how fast teams call back."""

    _inherit = "ccp.dashboard"

    @api.model
    @api.readonly
    def figures(self):
        """Return the figures of calls, and those of call-backs.

        :return: what the extended method returns, and ``callbacks``: ``tiles`` (``key``, ``label``
            and a figure) and ``teams`` (``id``, ``name`` and ``figures``, in the order of
            ``headings``). The figures' ``domain`` is one of call-backs
        :rtype: dict
        :raise AccessError: for users who are not team leaders or managers
        """
        return {**super().figures(), "callbacks": self._callback_figures()}

    @api.model
    def _callback_figures(self):
        """Return which call-backs are open now, and how fast they were made in the last 30 days.

        :rtype: dict
        """
        callbacks = self.env["ccp.callback"].sudo(False)
        real = Domain("trial", "=", False)
        is_open = real & Domain("state", "=", OPEN)
        overdue = real & Domain("is_overdue", "=", True)
        done = real & Domain("state", "=", DONE) & Domain(self._closed_lately())
        by_team = self._by_team(callbacks, is_open, overdue, done)
        total = self._add_teams(by_team.values())
        return {
            "tiles": [
                {"key": key, "label": label, **figure}
                for (key, label), figure in zip(
                    self._callback_labels().items(),
                    self._team_figures(total, is_open, overdue, done),
                    strict=True,
                )
            ],
            "headings": list(self._callback_labels().values()),
            "teams": [
                {
                    "id": team.id or 0,
                    "name": team.sudo().name or self.env._("No team"),
                    "figures": self._team_figures(
                        row,
                        *(
                            each & Domain("team_id", "=", team.id)
                            for each in (is_open, overdue, done)
                        ),
                    ),
                }
                for team, row in by_team.items()
            ],
        }

    @api.model
    def _callback_labels(self):
        """Return the names of the figures of call-backs in their order."""
        return {
            "open": self.env._("Call-backs open"),
            "overdue": self.env._("Overdue"),
            "done": self.env._("Called back, 30 days"),
            "in_time": self.env._("In time"),
            "time": self.env._("Time to call back"),
        }

    @api.model
    def _closed_lately(self):
        """Return the domain of call-backs closed in the last 30 days of the user's time zone."""
        zone = time_zone(self.env.user.tz)
        today = datetime.now(zone).date()
        period = self._period(today - timedelta(days=DAYS - 1), today, zone)
        return [("closed_date", operator, value) for _name, operator, value in period]

    @api.model
    def _by_team(self, callbacks, is_open, overdue, done):
        """Return the sums of each team: open, overdue, done, done in time, and seconds.

        :return: by ``crm.team`` (empty for no team), in the order of their names
        :rtype: dict
        """
        found = {}
        for position, (domain, aggregates) in enumerate(
            (
                (is_open, ["__count"]),
                (overdue, ["__count"]),
                (done, ["__count", "in_time_rate:sum", "callback_seconds:sum"]),
            )
        ):
            for team, *sums in callbacks._read_group(domain, ["team_id"], aggregates):
                row = found.setdefault(team, [0] * 5)
                row[position : position + len(sums)] = [each or 0 for each in sums]
        return dict(
            sorted(found.items(), key=lambda item: (not item[0], item[0].sudo().name or ""))
        )

    @api.model
    def _add_teams(self, rows):
        """Return the sums of all teams."""
        return [sum(column) for column in zip([0] * 5, *rows, strict=True)]

    @api.model
    def _team_figures(self, row, is_open, overdue, done):
        """Return the figures of one team or of all, in the order of ``_callback_labels``.

        Open ones that are overdue count as not in time.

        :param list row: the sums, see ``_by_team``
        :param odoo.fields.Domain is_open: its open call-backs
        :param odoo.fields.Domain overdue: those that are overdue
        :param odoo.fields.Domain done: those that were called back
        :rtype: list[dict]
        """
        open_count, overdue_count, done_count, in_time, seconds = row
        owed = done_count + overdue_count
        return [
            self._figure("number", open_count, list(is_open)),
            self._figure("number", overdue_count, list(overdue)),
            self._figure("number", done_count, list(done)),
            self._figure("percent", in_time / owed if owed else None, list(done | overdue)),
            self._figure("seconds", seconds / done_count if done_count else None, list(done)),
        ]
