from typing import NamedTuple

from odoo import models

from ..ccp.airtel import client, const


class Account(NamedTuple):
    """The address that a company's calls are sent to, and the credentials sent with them."""

    base_url: str
    api_path: str
    username: str
    password: str
    customer_id: str
    is_trial: bool

    def __repr__(self):
        """Show no credentials, because logs and tracebacks print this."""
        return f"Account(is_trial={self.is_trial})"


class ResCompany(models.Model):
    """The account with which a company calls, and the users who call for it."""

    _inherit = "res.company"

    def _ccp_account(self):
        """Return the account, or sandbox, that places the company's next call.

        It is read again for every call: changed credentials apply to the next call.

        :rtype: Account
        """
        self.ensure_one()
        company = self.sudo()
        if company.ccp_trial:
            return Account(
                base_url=company.ccp_trial_url or const.SANDBOX_URL,
                api_path=const.DEFAULT_API_PATH,
                username=const.SANDBOX_USERNAME,
                password=const.SANDBOX_PASSWORD,
                customer_id=const.SANDBOX_CUSTOMER_ID,
                is_trial=True,
            )
        return Account(
            base_url=company.ccp_base_url or "",
            api_path=company.ccp_api_path or "",
            username=company.ccp_username or "",
            password=company.ccp_secret_password or "",
            customer_id=company.ccp_customer_id or "",
            is_trial=False,
        )

    def _ccp_client(self, account):
        """Return the client that sends this company's requests.

        :param Account account: see ``_ccp_account``; a click reads it once
        :rtype: ccp.airtel.client.Client
        """
        return client.Client(account.base_url, account.api_path, account.username, account.password)

    def _ccp_outcomes(self):
        """Return the outcomes that the company offers for its calls.

        :return: records of ``ccp.call.outcome``
        :rtype: odoo.models.BaseModel
        """
        self.ensure_one()
        return self.env["ccp.call.outcome"]._offered(self)

    def _ccp_callers(self):
        """Return the active employees of the company who have the right to call.

        :return: users, as superuser
        :rtype: odoo.models.BaseModel
        """
        self.ensure_one()
        group = self.env.ref("airtel_ccp.group_ccp_user").sudo()
        return group.all_user_ids.filtered(
            lambda user: user.active and not user.share and self in user.company_ids
        )
