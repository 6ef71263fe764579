from collections import defaultdict
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import SQL

from ..ccp.airtel import routing
from ..ccp.call import route
from .utils import milliseconds

MAX_AWAY = timedelta(days=30)


class ResUsers(models.Model):
    """Which agents can be rung now, and which set themselves away."""

    _inherit = "res.users"

    ccp_away_until = fields.Datetime(
        "Away from calls until",
        copy=False,
        help="Until then no incoming call rings this agent's phone.",
        groups="base.group_system",
    )

    @api.model
    def ccp_set_away(self, minutes):
        """Stop incoming calls from ringing the current user for a while, or let them ring again.

        :param int minutes: from now on; 0 to be back at once
        :return: ``away_until``, in milliseconds since 1970, or False
        :rtype: dict
        :raise AccessError: when the user takes no calls
        :raise ValidationError: for a time that is not allowed
        """
        user = self.env.user
        user._ccp_check_may_call()
        if type(minutes) is not int or not 0 <= minutes <= MAX_AWAY / timedelta(minutes=1):
            raise ValidationError(
                self.env._(
                    "You can be away for at most %s days: choose a shorter time.", MAX_AWAY.days
                )
            )
        until = fields.Datetime.now() + timedelta(minutes=minutes) if minutes else False
        user.sudo().ccp_away_until = until
        # The table on disk contains it, too
        user.env.company._ccp_incoming_flows()[:1]._ccp_refresh_routes()
        return {"away_until": milliseconds(until)}

    def _ccp_away_milliseconds(self):
        """Return until when the user is away, in milliseconds since 1970; False if not away.

        :rtype: int | bool
        """
        self.ensure_one()
        until = self.sudo().ccp_away_until
        return milliseconds(until) if until and until > fields.Datetime.now() else False

    @api.model
    def _ccp_agents(self, company, user_ids, moment, busy=()):
        """Return the data of users who may take a call.

        :param company: the ``res.company`` whose call it is
        :param user_ids: user ids; deleted users and other companies' are left out
        :param datetime.datetime moment: aware
        :param busy: the ids of those in a call
        :return: by user id; only active employees of the company
        :rtype: dict[int, airtel_ccp.ccp.call.route.Agent]
        """
        rows = self._ccp_agent_rows(company, list(user_ids))
        if not rows:
            return {}
        ids = [row[0] for row in rows]
        numbers = {row[0]: self._ccp_numbers_of_row(row) for row in rows}
        listed = self._ccp_listed([each[0] for each in numbers.values() if each])
        at_work = self._ccp_at_work(company, ids, moment)
        now = moment.replace(tzinfo=None)
        return {
            user_id: route.Agent(
                user_id=user_id,
                name=name or "",
                number=numbers[user_id][0] if numbers[user_id] else "",
                numbers=numbers[user_id],
                away=bool(away_until and away_until > now),
                at_work=at_work[user_id],
                busy=user_id in busy,
                blacklisted=bool(numbers[user_id]) and numbers[user_id][0] in listed,
            )
            for user_id, name, _first, _second, _further, away_until in rows
        }

    @api.model
    def _ccp_listed(self, phones):
        """Return which of these phones are on the blacklist; faster than ``_ccp_blacklisted``.

        Odoo's own search formats numbers, for which it reads the user's country.

        :param phones: ten digits each
        :rtype: set[str]
        """
        rows = self.env.execute_query(
            SQL(
                "SELECT number FROM phone_blacklist WHERE active AND number = ANY(%s)",
                [f"+91{each}" for each in phones],
            )
        )
        return {number.removeprefix("+91") for (number,) in rows}

    @api.model
    def _ccp_agent_rows(self, company, user_ids):
        """Return name, phones and absence of those users who are a company's active employees.

        :rtype: list[tuple]
        """
        if not user_ids:
            return []
        return self.env.execute_query(
            SQL(
                """
                SELECT agent.id, partner.name, agent.ccp_phone, agent.ccp_second_phone,
                       agent.ccp_further_phones, agent.ccp_away_until
                  FROM res_users agent
                  JOIN res_partner partner ON partner.id = agent.partner_id
                 WHERE agent.id = ANY(%s)
                   AND agent.active
                   AND agent.share IS NOT TRUE
                   AND EXISTS (SELECT FROM res_company_users_rel works
                                WHERE works.user_id = agent.id AND works.cid = %s)
                 ORDER BY agent.id
                """,
                user_ids,
                company.id,
            )
        )

    @api.model
    def _ccp_numbers_of_row(self, row):
        """Return the phones in a row of ``_ccp_agent_rows`` that can be rung, in their order.

        :rtype: tuple[str, ...]
        """
        _user_id, _name, first, second, further, _away = row
        phones = (first, second, *(further or "").split())
        return tuple(dict.fromkeys(filter(None, (routing.phone(each or "") for each in phones))))

    @api.model
    def _ccp_working_groups(self, company, user_ids):
        """Return users by their working calendars: that of their resource, else the company's.

        :return: a ``resource.calendar`` as superuser, empty if there is none; the
            ``resource.resource`` records that use it, empty if it is the company's; and pairs of a
            resource's id (or False) and its user's id
        :rtype: list[tuple]
        """
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT calendar_id, id, user_id
                  FROM resource_resource
                 WHERE user_id = ANY(%(users)s) AND active AND resource_type = 'user'
                   AND (company_id IS NULL OR company_id = %(company)s)
                 UNION ALL
                SELECT resource_calendar_id, NULL, NULL FROM res_company WHERE id = %(company)s
                """,
                users=list(user_ids),
                company=company.id,
            )
        )
        resources = self.env["resource.resource"].sudo()
        calendars = resources.calendar_id
        by_calendar = defaultdict(list)
        for calendar_id, resource_id, user_id in rows:
            if resource_id:
                by_calendar[calendar_id].append((resource_id, user_id))
        groups = [
            (calendars.browse(calendar_id), resources.browse([each for each, _user in own]), own)
            for calendar_id, own in by_calendar.items()
        ]
        others = set(user_ids) - {user_id for own in by_calendar.values() for _id, user_id in own}
        if others:
            calendar_id = next(row[0] for row in rows if not row[1])
            pairs = [(False, user_id) for user_id in sorted(others)]
            groups.append((calendars.browse(calendar_id), resources, pairs))
        return groups

    @api.model
    def _ccp_at_work(self, company, user_ids, moment):
        """Return for each user whether a moment is working time.

        :param datetime.datetime moment: aware
        :rtype: dict[int, bool]
        """
        at_work = dict.fromkeys(user_ids, False)
        for calendar, resources, pairs in self._ccp_working_groups(company, user_ids):
            # Without a calendar any time is working time
            within = calendar._ccp_is_within(moment, resources) if calendar else {}
            for key, user_id in pairs:
                at_work[user_id] |= within.get(key, True)
        return at_work
