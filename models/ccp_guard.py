from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from odoo import models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL, format_datetime

from ..ccp import number
from .ccp_call import HOME_TIME_ZONE

# How far ahead the next opening is looked for
SEARCHED_PERIOD = timedelta(days=30)


def is_house_rule(error):
    """Tell whether an error is a rule despite which a user with the right to do so may call.

    It is no class of its own, because browsers know errors by the names of their classes.

    :param odoo.exceptions.UserError error: why no call was placed
    :rtype: bool
    """
    return getattr(error, "is_house_rule", False)


class CcpGuard(models.AbstractModel):
    """The house rules that may speak against a call: hours, blacklist, caps, outcomes, a busy line.

    Each guard returns nothing, or raises one sentence for the rep.
    """

    _name = "ccp.guard"
    _description = "Guards that a call has to pass"

    def _check_lines(self, user, numbers):
        """Refuse a number that somebody asked us not to call, and a call beside one that is live.

        :param user: the agent
        :param numbers: the customer's numbers, ten digits each
        :raise UserError: where one of them is on the blacklist, or the agent is in a call
        """
        self.env["phone.blacklist"].flush_model(["number", "active"])
        # The model's own search reads the user's country to format numbers, which these are
        ((blacklisted, busy_with),) = self.env.execute_query(
            SQL(
                """
                SELECT (SELECT number FROM phone_blacklist WHERE number IN %s AND active LIMIT 1),
                       %s
                """,
                tuple(f"+91{each}" for each in numbers),
                self._busy_with_sql(user),
            )
        )
        if blacklisted:
            raise UserError(
                self.env._(
                    "%s must not be called: it is on the phone blacklist. An administrator can "
                    "take it off there, if its owner agreed.",
                    number.mask(blacklisted),
                )
            )
        self._check_line_free(busy_with)

    def _check_rules(self, user, company, flow, numbers, reason=""):
        """Refuse a call that breaks a house rule: calling hours, or a cap on calls of a day.

        A user with the right to call despite them does so by giving a reason.

        :param user: the agent
        :param company: the ``res.company`` that places the call
        :param flow: the ``ccp.call.flow`` that runs it
        :param numbers: the customer's numbers, ten digits each
        :param str reason: why the agent calls all the same
        :return: the rules that were overridden, in words; "" when none was broken
        :rtype: str
        :raise UserError: for the first rule that is broken, see ``is_house_rule``
        """
        broken = [
            *self._broken_hours(user, company, flow),
            *self._broken_caps(user, company, numbers),
        ]
        if not broken:
            return ""
        if reason and self._may_override():
            return "\n".join(broken)
        error = UserError(broken[0])
        error.is_house_rule = True
        raise error

    def _may_override(self):
        """Return whether the present user may call despite the house rules.

        :rtype: bool
        """
        return self.env.user.has_group("airtel_ccp.group_ccp_override")

    def _broken_hours(self, user, company, flow):
        """Yield a sentence when company or flow do not call now."""
        calendars = company.sudo().ccp_calendar_id | flow.sudo().calendar_id
        now = datetime.now(timezone.utc)
        openings = None
        for calendar in calendars:
            # Holidays are the calendar's leaves, which are no working time
            times = calendar._work_intervals_batch(now, now + SEARCHED_PERIOD)[False]
            openings = times if openings is None else openings & times
        if openings is None or any(start <= now < end for start, end, _record in openings):
            return
        names = ", ".join(calendars.mapped("name"))
        first = next((start for start, _end, _record in openings), None)
        if first is None:
            yield self.env._(
                "It is outside the calling hours (%(hours)s), and they allow no call in the next "
                "%(days)s days: ask your administrator to change them in Settings > Airtel CCP.",
                hours=names,
                days=SEARCHED_PERIOD.days,
            )
            return
        yield self.env._(
            "It is outside the calling hours (%(hours)s): call again from %(when)s, or ask your "
            "administrator to change the hours in Settings > Airtel CCP.",
            hours=names,
            when=format_datetime(
                self.env,
                first.astimezone(timezone.utc).replace(tzinfo=None),
                tz=user.tz or HOME_TIME_ZONE,
                dt_format="short",
            ),
        )

    def _has_caps(self, company):
        """Return whether a company limits the calls of a day.

        :rtype: bool
        """
        company = company.sudo()
        return bool(
            company.ccp_daily_limit
            or company.ccp_company_daily_limit
            or company.ccp_number_daily_limit
        )

    def _lock_caps(self, company):
        """Let nobody else count a company's calls until this transaction ends."""
        self.env.cr.execute(
            SQL("SELECT pg_advisory_xact_lock(hashtext('ccp.guard'), %s)", company.id)
        )

    def _broken_caps(self, user, company, numbers):
        """Yield a sentence for each cap on calls of a day that is reached.

        The day is that of the company's calling hours, for everybody the same. Calls that Airtel
        was asked for count; to a number also those that were logged by hand.
        """
        company = company.sudo()
        today = self._today(company)
        placed = today & Domain("manual", "=", False)
        calls = self.env["ccp.call"].sudo()
        limit = company.ccp_daily_limit
        if limit and calls.search_count(placed & Domain("user_id", "=", user.id)) >= limit:
            yield self.env._(
                "You have reached your daily limit of calls, %(limit)s: call again tomorrow, or "
                "ask your administrator to raise it in Settings > Airtel CCP.",
                limit=limit,
            )
        limit = company.ccp_company_daily_limit
        if limit and calls.search_count(placed) >= limit:
            yield self.env._(
                "%(company)s has reached its daily limit of calls, %(limit)s: call again tomorrow, "
                "or ask your administrator to raise it in Settings > Airtel CCP.",
                company=company.name,
                limit=limit,
            )
        limit = company.ccp_number_daily_limit
        for digits in numbers if limit else ():
            attempts = Domain("customer_number", "=", digits) | Domain(
                "customer_second_number", "=", digits
            )
            if calls.search_count(today & attempts) >= limit:
                yield self.env._(
                    "%(number)s has reached the daily limit for one number, %(limit)s: call again "
                    "tomorrow, or ask your administrator to raise it in Settings > Airtel CCP.",
                    number=number.mask(digits),
                    limit=limit,
                )

    def _today(self, company):
        """Return which calls of a company count for the caps of today.

        :rtype: odoo.fields.Domain
        """
        zone = ZoneInfo(company.ccp_calendar_id.tz or HOME_TIME_ZONE)
        midnight = datetime.now(zone).replace(hour=0, minute=0, second=0, microsecond=0)
        return (
            Domain("company_id", "=", company.id)
            & Domain("start_date", ">=", midnight.astimezone(timezone.utc).replace(tzinfo=None))
            & Domain("state", "!=", "refused")
            & Domain("direction", "=", "outbound")
            & Domain("trial", "=", company.ccp_trial)
        )

    def _check_outcome(self, user, company):
        """Refuse a call while the last one that connected has no outcome, where one is needed."""
        if not company.sudo().ccp_require_outcome:
            return
        last = (
            self.env["ccp.call"]
            .sudo()
            .search(
                [
                    ("user_id", "=", user.id),
                    ("state", "=", "ended"),
                    ("result", "=", "connected"),
                    ("company_id", "=", company.id),
                ],
                limit=1,
            )
        )
        if last and not last.outcome_id:
            raise UserError(
                self.env._(
                    "Your call with %s has no outcome yet: choose one, then call.",
                    last.customer_name,
                )
            )

    def _take_line(self, user):
        """Keep every other click of an agent out, until this transaction ends.

        :param user: the agent
        :raise UserError: while another call of the agent is live, or just being placed
        """
        ((taken, busy_with),) = self.env.execute_query(
            SQL(
                "SELECT pg_try_advisory_xact_lock(hashtext('ccp.dialer'), %s), %s",
                user.id,
                self._busy_with_sql(user),
            )
        )
        if not taken:
            raise UserError(self._line_busy_sentence())
        self._check_line_free(busy_with)

    def _busy_with_sql(self, user):
        """Return the SQL of who is called in an agent's live call, NULL where there is none.

        :rtype: odoo.tools.SQL
        """
        self.env["ccp.call"].flush_model(["user_id", "live", "customer_name"])
        return SQL(
            """(
            SELECT COALESCE(customer_name, '')
              FROM ccp_call
             WHERE user_id = %s AND live IS TRUE
             LIMIT 1)
            """,
            user.id,
        )

    def _check_line_free(self, busy_with):
        """Refuse a call while another call of the same agent is live.

        :param str | None busy_with: who is called in it; None where there is none
        """
        if busy_with is not None:
            raise UserError(self._line_busy_sentence(busy_with))

    def _line_busy_sentence(self, customer_name=""):
        if not customer_name:
            return self.env._("A call of yours is just being placed: finish it first.")
        return self.env._(
            "You are still in a call with %s: finish it first, or open it under Airtel CCP > "
            "Calls and choose “This call is over”.",
            customer_name,
        )
