import math
from datetime import datetime, timedelta, timezone

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL, format_datetime

from ..ccp.safe import number
from .remedy import refusal
from .utils import SEARCHED_PERIOD, time_zone


class CcpDialer(models.AbstractModel):
    """The rules that can refuse a call: blacklist, busy line, hours, caps and missing outcomes.

    Methods named ``_check...`` or ``_take...`` raise one sentence for the rep, or return nothing;
    ``_check_rules`` returns the sentences of the rules that the rep overrides.
    """

    _inherit = "ccp.dialer"

    def _check_lines(self, user, agent_numbers, customer_numbers, pause=0):
        """Refuse blacklisted numbers, and a call during or too soon after another one.

        :param user: the agent
        :param agent_numbers: the agent's phones that would ring, ten digits each
        :param customer_numbers: the customer's, ten digits each
        :param int pause: see ``_check_pause``
        :raise UserError: when a customer's number is on the blacklist, or the agent is in a call
            or placed one just now
        """
        self.env["phone.blacklist"].flush_model(["number", "active"])
        # The blacklist's own search formats numbers, for which it reads the user's country
        ((blacklisted, busy_with, last),) = self.env.execute_query(
            SQL(
                """
                SELECT (SELECT number FROM phone_blacklist WHERE number IN %s AND active LIMIT 1),
                       %s,
                       %s
                """,
                tuple(f"+91{each}" for each in (*customer_numbers, *agent_numbers)),
                self._busy_with_sql(user),
                self._last_start_sql(user, pause),
            )
        )
        if blacklisted and blacklisted.removeprefix("+91") in agent_numbers:
            raise self._own_phone_refusal(
                self.env._(
                    "Your own phone %s is on the phone blacklist: enter another one under My "
                    "Preferences > Calls, or ask an administrator to remove it from there.",
                    number.mask(blacklisted),
                ),
                self.env._(
                    "Your own phone %s is on the phone blacklist: ask your administrator to enter "
                    "another one, or to remove it from there.",
                    number.mask(blacklisted),
                ),
            )
        if blacklisted:
            raise UserError(
                self.env._(
                    "%s must not be called: it is on the phone blacklist. An administrator can "
                    "remove it from there if its owner agrees.",
                    number.mask(blacklisted),
                )
            )
        self._check_line_free(busy_with)
        self._check_pause(pause, last)

    def _check_rules(self, user, company, flow, numbers, reason=""):
        """Refuse a call that breaks a house rule: calling hours, or a cap on calls per day.

        A user who may override the rules does so by giving a reason.

        :param user: the agent
        :param company: the ``res.company`` that places the call
        :param flow: the ``ccp.call.flow`` that runs it
        :param numbers: the customer's numbers, ten digits each
        :param str reason: the agent's reason to call despite the rules
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
        """Return whether the current user may override the house rules.

        :rtype: bool
        """
        return self.env.user.has_group("airtel_ccp.group_ccp_override")

    def _broken_hours(self, user, company, flow):
        """Yield a sentence if company or flow are outside their calling hours."""
        calendars = company.sudo().ccp_calendar_id | flow.sudo().calendar_id
        now = datetime.now(timezone.utc)
        openings = None
        for calendar in calendars:
            # Without holidays, which are leaves of the calendar
            times = calendar._work_intervals_batch(now, now + SEARCHED_PERIOD)[False]
            openings = times if openings is None else openings & times
        if openings is None or any(start <= now < end for start, end, _record in openings):
            return
        names = ", ".join(calendars.mapped("name"))
        first = next((start for start, _end, _record in openings), None)
        if first is None:
            yield self._closed_sentence(names)
            return
        zone = time_zone(user.tz)
        when = format_datetime(
            self.env,
            first.astimezone(timezone.utc).replace(tzinfo=None),
            tz=zone.key,
            dt_format="short",
        )
        values = {"hours": names, "when": when, "zone": zone.key}
        yield self._with_remedy(
            self.env._(
                "It is outside the calling hours (%(hours)s): call again from %(when)s (%(zone)s), "
                "or change the hours in Settings > Airtel CCP.",
                **values,
            ),
            self.env._(
                "It is outside the calling hours (%(hours)s): call again from %(when)s (%(zone)s), "
                "or ask your administrator to change the hours in Settings > Airtel CCP.",
                **values,
            ),
        )

    def _closed_sentence(self, names):
        """Return the sentence for calling hours that do not begin in the searched period.

        :param str names: the names of the schedules
        :rtype: str
        """
        values = {"hours": names, "days": SEARCHED_PERIOD.days}
        return self._with_remedy(
            self.env._(
                "It is outside the calling hours (%(hours)s), and they allow no call in the next "
                "%(days)s days: change them in Settings > Airtel CCP.",
                **values,
            ),
            self.env._(
                "It is outside the calling hours (%(hours)s), and they allow no call in the next "
                "%(days)s days: ask your administrator to change them in Settings > Airtel CCP.",
                **values,
            ),
        )

    def _with_remedy(self, for_administrators, for_agents):
        """Return the current user's sentence: no administrator is sent to an administrator.

        :rtype: str
        """
        is_administrator = self.env.user.has_group("base.group_system")
        return for_administrators if is_administrator else for_agents

    def _is_exempt(self, record, account):
        """Return whether the house rules don't apply: for trials, and for the set-up's test call.

        :param record: the record that is called
        :param account: the ``Account`` that the call is placed with
        :rtype: bool
        """
        return account.is_trial or record._name == "ccp.setup"

    def _has_caps(self, company):
        """Return whether a company limits the calls per day.

        :rtype: bool
        """
        company = company.sudo()
        return bool(
            company.ccp_daily_limit
            or company.ccp_company_daily_limit
            or company.ccp_number_daily_limit
        )

    def _lock_caps(self, company):
        """Lock the counting of a company's calls until this transaction ends."""
        self.env.cr.execute(
            SQL("SELECT pg_advisory_xact_lock(hashtext('ccp.guard'), %s)", company.id)
        )

    def _broken_caps(self, user, company, numbers):
        """Yield a sentence for each cap on calls per day that is reached.

        The day is that of the company's calling hours, the same for everybody. Calls that Airtel
        was asked for count. The cap on a number also counts calls that were logged by hand, and
        those that rang it as an agent's phone, unless an agent has that phone now.
        """
        company = company.sudo()
        today = self._today(company)
        placed = today & Domain("manual", "=", False)
        limit = company.ccp_daily_limit
        if limit and company._ccp_count_calls(placed & Domain("user_id", "=", user.id)) >= limit:
            yield self._with_remedy(
                self.env._(
                    "You have reached your daily limit of calls, %(limit)s: call again tomorrow, "
                    "or raise it in Settings > Airtel CCP.",
                    limit=limit,
                ),
                self.env._(
                    "You have reached your daily limit of calls, %(limit)s: call again tomorrow, "
                    "or ask your administrator to raise it in Settings > Airtel CCP.",
                    limit=limit,
                ),
            )
        limit = company.ccp_company_daily_limit
        if limit and company._ccp_count_calls(placed) >= limit:
            values = {"company": company.name, "limit": limit}
            yield self._with_remedy(
                self.env._(
                    "%(company)s has reached its daily limit of calls, %(limit)s: call again "
                    "tomorrow, or raise it in Settings > Airtel CCP.",
                    **values,
                ),
                self.env._(
                    "%(company)s has reached its daily limit of calls, %(limit)s: call again "
                    "tomorrow, or ask your administrator to raise it in Settings > Airtel CCP.",
                    **values,
                ),
            )
        limit = company.ccp_number_daily_limit
        for digits in numbers if limit else ():
            attempts = self._rung(digits)
            if company._ccp_count_calls(today & attempts) >= limit:
                values = {"number": number.mask(digits), "limit": limit}
                yield self._with_remedy(
                    self.env._(
                        "%(number)s has reached the daily limit for one number, %(limit)s: call "
                        "again tomorrow, or raise it in Settings > Airtel CCP.",
                        **values,
                    ),
                    self.env._(
                        "%(number)s has reached the daily limit for one number, %(limit)s: call "
                        "again tomorrow, or ask your administrator to raise it in Settings > "
                        "Airtel CCP.",
                        **values,
                    ),
                )

    def _rung(self, digits):
        """Return the domain of the calls that rang a number, on either side.

        :param str digits: ten digits
        :rtype: odoo.fields.Domain
        """
        calls = self.env["ccp.call"]
        rung = calls._numbers_domain("customer", [digits])
        if self.env["res.users"]._ccp_owners(digits):
            # The phone of an agent rings in each of the agent's own calls
            return rung
        return rung | calls._numbers_domain("agent", [digits])

    def _today(self, company):
        """Return the domain of a company's calls that count for today's caps.

        :rtype: odoo.fields.Domain
        """
        zone = time_zone(company.ccp_calendar_id.tz)
        midnight = datetime.now(zone).replace(hour=0, minute=0, second=0, microsecond=0)
        return (
            Domain("start_date", ">=", midnight.astimezone(timezone.utc).replace(tzinfo=None))
            & Domain("state", "!=", "refused")
            & Domain("direction", "=", "outbound")
            & Domain("trial", "=", company.ccp_trial)
            & Domain("imported", "=", False)
        )

    def _check_outcome(self, user, company):
        """Refuse a call if outcomes are required and the last call that connected has none.

        Calls that cannot have one don't count: erased ones, and all if the company offers no
        outcomes. Trials, the set-up's test calls and incoming calls need none. Calls without a
        token, such as those of the demo data, were never placed.

        :param user: the agent
        :param company: the ``res.company`` that places the call
        :raise UserError: with the call that lacks an outcome, for a link to it
        """
        if not company.sudo().ccp_require_outcome:
            return
        last = company._ccp_calls(
            Domain("user_id", "=", user.id)
            & Domain("direction", "=", "outbound")
            & Domain("state", "=", "ended")
            & Domain("result", "=", "connected")
            & Domain("imported", "=", False)
            # A call that was logged by hand never blocks another one
            & Domain("manual", "=", False)
            & Domain("trial", "=", False)
            & Domain("token_digest", "!=", False)
            & Domain("res_model", "!=", "ccp.setup"),
            limit=1,
        )
        if not last or last.outcome_id or last.erased:
            return
        if not company._ccp_outcomes():
            return
        raise refusal(
            self.env._(
                "Your call with %s has no outcome yet: choose one in the panel, then call again.",
                last.customer_name,
            ),
            opens="outcome",
            call_id=last.id,
        )

    def _take_line(self, user, pause=0):
        """Lock the agent's line: other clicks are refused until this transaction ends.

        :param user: the agent
        :param int pause: see ``_check_pause``
        :raise UserError: while another call of the agent is live or being placed, and until the
            pause after it is over
        """
        ((taken, busy_with, last),) = self.env.execute_query(
            SQL(
                "SELECT pg_try_advisory_xact_lock(hashtext('ccp.dialer'), %s), %s, %s",
                user.id,
                self._busy_with_sql(user),
                self._last_start_sql(user, pause),
            )
        )
        if not taken:
            raise refusal(self._line_busy_sentence(), opens="panel")
        self._check_line_free(busy_with)
        self._check_pause(pause, last)

    def _pause(self, company, account):
        """Return how many seconds an agent must wait between the starts of two calls.

        :param company: the ``res.company`` that places the call
        :param account: the ``Account`` that the call is placed with; the sandbox needs no pause
        :rtype: int
        """
        return 0 if account.is_trial else company.sudo().ccp_pause_seconds

    def _last_start_sql(self, user, pause):
        """Return SQL for when an agent's last call was placed; NULL if the pause is over.

        Calls that Airtel refused count, too.

        :param int pause: see ``_check_pause``
        :rtype: odoo.tools.SQL
        """
        if not pause:
            return SQL("NULL::timestamp")
        self.env["ccp.call"].flush_model(["user_id", "start_date", "manual", "trial", "imported"])
        return SQL(
            """(
            SELECT max(start_date)
              FROM ccp_call
             WHERE user_id = %s
               AND start_date > %s
               AND direction = 'outbound'
               AND manual IS NOT TRUE
               AND trial IS NOT TRUE
               AND imported IS NOT TRUE)
            """,
            user.id,
            fields.Datetime.now() - timedelta(seconds=pause),
        )

    def _check_pause(self, pause, last):
        """Refuse a call that follows the agent's last one too soon, as only a script would.

        It cannot be overridden: the pause is over before a reason is typed.

        :param int pause: the seconds between the starts of two calls, 0 for no limit
        :param datetime.datetime | None last: when the last one was placed, None if it is long ago
        :raise UserError: with how long to wait
        """
        if not pause or not last:
            return
        wait = pause - (fields.Datetime.now() - last).total_seconds()
        if wait > 0:
            raise UserError(
                self.env._(
                    "You placed another call just now: call again in a moment (%s s).",
                    min(pause, math.ceil(wait)),
                )
            )

    def _busy_with_sql(self, user):
        """Return SQL for the customer's name in an agent's live call, NULL if there is none.

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

        :param str | None busy_with: the customer's name in that call; None if no call is live
        """
        if busy_with is not None:
            raise refusal(self._line_busy_sentence(busy_with), opens="panel")

    def _line_busy_sentence(self, customer_name=""):
        if not customer_name:
            return self.env._("Your previous call is still being placed: finish it first.")
        return self.env._(
            "You are still in a call with %s: finish it first, or choose “This call is over” in "
            "the panel.",
            customer_name,
        )
