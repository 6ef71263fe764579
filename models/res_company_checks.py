from odoo import models
from odoo.exceptions import UserError
from odoo.fields import Domain

from ..ccp.airtel import const
from ..ccp.safe import address
from . import refusals

# How many answers and reports are searched for one that proves something
LOOKED_THROUGH = 20


class ResCompany(models.Model):
    """Checks a company's account, addresses and call flow.

    Set-up, health and each click use these checks and so cannot contradict each other.
    """

    _inherit = "res.company"

    def _ccp_missing_settings(self):
        """Return the labels of the settings without which no call can be placed.

        :rtype: list[str]
        """
        return [self._ccp_label(name) for name in self._ccp_missing()]

    def _ccp_missing(self):
        """Return the names of the settings without which no call can be placed.

        :rtype: list[str]
        """
        self.ensure_one()
        company = self.sudo()
        if company.ccp_trial:
            return []
        needed = ("ccp_base_url", "ccp_api_path", "ccp_username", "ccp_password", "ccp_customer_id")
        return [name for name in needed if not address.clean(company[name] or "")]

    def _ccp_address_problem(self):
        """Return why no request can be sent to Airtel's address, or the sandbox's.

        :return: "" if requests can be sent; ``missing``; ``bad_url``; ``plain``: the password
            would be sent unencrypted
        :rtype: str
        """
        self.ensure_one()
        account = self._ccp_account()
        if not account.base_url or not account.api_path:
            return "missing"
        try:
            address.mend_path(account.api_path)
            return "" if address.read(account.base_url).is_safe else "plain"
        except address.AddressError:
            return "bad_url"

    def _ccp_notify_base(self):
        """Return the address to which Airtel is asked to report, without its path.

        :rtype: str
        """
        self.ensure_one()
        base = self.sudo().ccp_notify_base_url or self.get_base_url()
        try:
            return address.mend(base)
        except address.AddressError:
            return base

    def _ccp_notify_problem(self):
        """Return why Airtel cannot report to this Odoo, judged by the address alone.

        :return: "" when it can; ``bad_url``; ``loopback``; ``private``; ``plain``: not encrypted
        :rtype: str
        """
        self.ensure_one()
        try:
            found = address.read(self._ccp_notify_base())
        except address.AddressError:
            return "bad_url"
        if found.reach != address.PUBLIC:
            return found.reach
        return "" if found.scheme == "https" else "plain"

    def _ccp_is_airtel_elsewhere(self):
        """Return whether calls are placed through another machine: an account, or a remote sandbox.

        :rtype: bool
        """
        try:
            account = self._ccp_account()
            return address.read(account.base_url).reach != address.LOOPBACK
        except address.AddressError:
            return True

    def _ccp_cannot_be_reported_to(self):
        """Return whether reports can never arrive, and no call should be placed.

        :rtype: bool
        """
        problem = self._ccp_notify_problem()
        return problem == "bad_url" or (problem == "loopback" and self._ccp_is_airtel_elsewhere())

    def _ccp_obstacle(self):
        """Return what prevents all calls of a company, whatever their call flow.

        :return: "" if nothing does; ``settings``: some are missing; ``address``: Airtel's address
            is wrong; ``notify``: Airtel's reports can never arrive
        :rtype: str
        """
        if self._ccp_missing():
            return "settings"
        if self._ccp_address_problem():
            return "address"
        return "notify" if self._ccp_cannot_be_reported_to() else ""

    def _ccp_is_set_up(self):
        """Return whether a company's calls can be placed.

        :rtype: bool
        """
        self.ensure_one()
        has_flow = self.sudo().ccp_trial or bool(self._ccp_default_flow())
        return has_flow and not self._ccp_obstacle()

    def _ccp_check_set_up(self):
        """Refuse a call that cannot be placed with the current settings.

        :raise UserError: one sentence about the first thing that is missing or wrong
        """
        self.ensure_one()
        obstacle = self._ccp_obstacle()
        if not obstacle:
            return
        if obstacle == "address":
            raise UserError(refusals.words(self.env, "address"))
        if obstacle == "settings":
            missing = ", ".join(self._ccp_missing_settings())
            sentences = (
                self.env._(
                    "Calling is not set up yet: ask your administrator to fill in %(fields)s in "
                    "Settings > Airtel CCP.",
                    fields=missing,
                ),
                self.env._(
                    "Calling is not set up yet: fill in %(fields)s in Settings > Airtel CCP.",
                    fields=missing,
                ),
            )
        else:
            sentences = (
                self.env._(
                    "Airtel could not report on this call, because the public address of this Odoo "
                    "cannot be reached from outside: ask your administrator to correct “Public "
                    "address” in Settings > Airtel CCP."
                ),
                self.env._(
                    "Airtel could not report on this call, because the public address of this Odoo "
                    "cannot be reached from outside: correct “Public address” in Settings > "
                    "Airtel CCP."
                ),
            )
        raise UserError(refusals.to_reader(self.env, *sentences))

    # What calls and reports prove about the settings

    def _ccp_calls(self, domain, limit=None):
        """Return calls of the company, including those that the user may not see.

        :param odoo.fields.Domain domain: which of the company's calls
        :param int | None limit: how many at most, the last ones first
        :return: records of ``ccp.call``, as superuser
        :rtype: odoo.models.BaseModel
        """
        own = Domain("company_id", "=", self.id)
        return self.env["ccp.call"].sudo().search(own & domain, limit=limit)

    def _ccp_count_calls(self, domain):
        """Return how many calls the company has, including those that the user may not see.

        :param odoo.fields.Domain domain: which of the company's calls
        :rtype: int
        """
        own = Domain("company_id", "=", self.id)
        return self.env["ccp.call"].sudo().search_count(own & domain)

    def _ccp_asked_for(self):
        """Return the domain of calls for which Airtel, or in a trial the sandbox, was asked.

        :rtype: odoo.fields.Domain
        """
        return (
            Domain("trial", "=", self.sudo().ccp_trial)
            & Domain("manual", "=", False)
            & Domain("imported", "=", False)
            & Domain("request_outcome", "=", "accepted")
            # Calls without an address for reports were never placed
            & Domain("token_digest", "!=", False)
        )

    def _ccp_last_answer(self, says=None):
        """Return the last call that Airtel answered, or that did not reach it.

        Only with the present account: a changed one was not tried yet.

        :param says: called with what an answer is about (an ``About``, None if Airtel accepted the
            call); returns whether the call counts; by default each counts
        :return: a ``ccp.call`` or an empty recordset, as superuser
        """
        self.ensure_one()
        company = self.sudo()
        domain = (
            Domain("trial", "=", False)
            & Domain("manual", "=", False)
            & Domain("imported", "=", False)
            & Domain("direction", "=", "outbound")
            & Domain("request_outcome", "in", ("accepted", "refused"))
        )
        if company.ccp_account_date:
            domain &= Domain("create_date", ">=", company.ccp_account_date)
        calls = self._ccp_calls(domain, limit=LOOKED_THROUGH if says else 1)
        for call in calls:
            accepted = call.request_outcome == "accepted"
            if not says or says(None if accepted else const.ABOUT[call._about()]):
                return call
        return calls.browse()

    def _ccp_last_reported_calls(self):
        """Return the calls with the latest reports, the last one first.

        Not incoming calls, whose reports say nothing about the address in requests. During a trial
        these are calls at the sandbox, otherwise at Airtel.

        :return: dicts with ``received_at`` and ``base``: the address in the call's request
        :rtype: list[dict]
        """
        self.ensure_one()
        company = self.sudo()
        reports = (
            self.env["ccp.call.event"]
            .sudo()
            .search(
                Domain("call_id.company_id", "=", company.id)
                & Domain("call_id.imported", "=", False)
                & Domain("call_id.direction", "=", "outbound")
                & Domain("call_id.trial", "=", company.ccp_trial),
                order="received_at desc",
                limit=LOOKED_THROUGH,
            )
        )
        return [
            {
                "received_at": report.received_at,
                "base": report.call_id.request_ids[:1]._notify_base(),
            }
            for report in reports
        ]

    def _ccp_last_report(self):
        """Return when the last report came to the current address, None if none ever came.

        :rtype: datetime.datetime | None
        """
        base = self._ccp_notify_base()
        reports = self._ccp_last_reported_calls()
        return next((each["received_at"] for each in reports if each["base"] == base), None)

    def _ccp_are_reports_late(self):
        """Return whether Airtel's reports were late at the last health check.

        :rtype: bool
        """
        self.ensure_one()
        late = (
            Domain("company_id", "=", self.id)
            & Domain("key", "=", "reports")
            & Domain("state", "=", "bad")
        )
        return bool(self.env["ccp.health"].sudo().search_count(late, limit=1))

    def _ccp_check_health(self):
        """Check everything that the company's calls depend on, and store the result."""
        self.ensure_one()
        self.env["ccp.health"]._check(self)

    def _ccp_correct_health(self):
        """Correct the company's stored health if calls or settings have changed since."""
        self.ensure_one()
        self.env["ccp.health"]._correct(self)

    def _ccp_keep_notify_base(self):
        """Store the address at which Airtel's reports arrive, if nobody set one.

        Odoo's own web address follows the one at which an administrator logs in, which Airtel may
        not reach.
        """
        self.ensure_one()
        company = self.sudo()
        if company.ccp_trial or company.ccp_notify_base_url:
            return
        base = next((each["base"] for each in self._ccp_last_reported_calls()), "")
        try:
            found = address.read(base)
        except address.AddressError:
            return
        if found.reach == address.PUBLIC and found.scheme == "https":
            company.ccp_notify_base_url = base
