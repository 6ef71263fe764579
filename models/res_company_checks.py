from odoo import models
from odoo.exceptions import UserError
from odoo.fields import Domain

from ..ccp.airtel import const
from ..ccp.safe import address
from . import refusals

# So many answers and reports are looked through for one that says something
LOOKED_THROUGH = 20


class ResCompany(models.Model):
    """Whether a company's account, addresses and call flow are good.

    Set-up, health and each click ask here, so that they cannot contradict each other.
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

        :return: "" when one can; ``missing``; ``bad_url``; ``plain``: the password would travel
            readable
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
        """Return the address that Airtel is told to report to, without its path.

        :rtype: str
        """
        self.ensure_one()
        base = self.sudo().ccp_notify_base_url or self.get_base_url()
        try:
            return address.mend(base)
        except address.AddressError:
            return base

    def _ccp_notify_problem(self):
        """Return why Airtel cannot report to this Odoo, as far as the address itself says.

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
        """Return whether calls are asked of another machine: an account, or a sandbox far away.

        :rtype: bool
        """
        try:
            account = self._ccp_account()
            return address.read(account.base_url).reach != address.LOOPBACK
        except address.AddressError:
            return True

    def _ccp_cannot_be_reported_to(self):
        """Return whether reports certainly never arrive, so that no call should be placed.

        :rtype: bool
        """
        problem = self._ccp_notify_problem()
        return problem == "bad_url" or (problem == "loopback" and self._ccp_is_airtel_elsewhere())

    def _ccp_obstacle(self):
        """Return what keeps every call of a company from being placed, whatever its call flow.

        :return: "" when nothing does; ``settings``: some are missing; ``address``: no request can
            be sent to Airtel's; ``notify``: Airtel's reports certainly never arrive
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
        """Refuse a call that cannot be placed with the present settings.

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

    # What calls and reports prove

    def _ccp_calls(self, domain, limit=None):
        """Return calls of the company, whoever may see them.

        :param odoo.fields.Domain domain: which of the company's calls
        :param int | None limit: how many at most, the last ones first
        :return: records of ``ccp.call``, as superuser
        :rtype: odoo.models.BaseModel
        """
        own = Domain("company_id", "=", self.id)
        return self.env["ccp.call"].sudo().search(own & domain, limit=limit)

    def _ccp_count_calls(self, domain):
        """Return how many calls of the company there are, whoever may see them.

        :param odoo.fields.Domain domain: which of the company's calls
        :rtype: int
        """
        own = Domain("company_id", "=", self.id)
        return self.env["ccp.call"].sudo().search_count(own & domain)

    def _ccp_asked_for(self):
        """Return which of the company's calls were asked of Airtel, or in a trial of the sandbox.

        :rtype: odoo.fields.Domain
        """
        return (
            Domain("trial", "=", self.sudo().ccp_trial)
            & Domain("manual", "=", False)
            & Domain("imported", "=", False)
            & Domain("request_outcome", "=", "accepted")
            # Without an address for them no reports can come: nobody was asked to place such a call
            & Domain("token_digest", "!=", False)
        )

    def _ccp_last_answer(self, says=None):
        """Return the last call that Airtel answered, or that did not reach it.

        Only with the present account: one that was changed since was not tried yet.

        :param says: a function that takes what an answer is about (an ``About``, None when Airtel
            accepted the call) and returns whether it counts; by default each counts
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
        """Return the calls that reports came for last, the last one first.

        Those of incoming calls say nothing of the address that calls ask for. During a trial those
        of the sandbox, else those of Airtel.

        :return: dicts with ``received_at`` and ``base``: the address that the call asked for
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
        """Return when the last report came to the present address, as it proves that reports do.

        :rtype: datetime.datetime | None
        """
        base = self._ccp_notify_base()
        reports = self._ccp_last_reported_calls()
        return next((each["received_at"] for each in reports if each["base"] == base), None)

    def _ccp_are_reports_late(self):
        """Return whether Airtel's reports were late when health last looked at them.

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
        """Check everything on which the company's calls depend, and store what was found."""
        self.ensure_one()
        self.env["ccp.health"]._check(self)

    def _ccp_correct_health(self):
        """Correct what is kept of the company's health where calls or settings say otherwise."""
        self.ensure_one()
        self.env["ccp.health"]._correct(self)

    def _ccp_keep_notify_base(self):
        """Keep the address at which Airtel's reports arrive, when nobody set one.

        Odoo's own web address follows the one that an administrator logs in at, which may be one
        that Airtel cannot reach.
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
