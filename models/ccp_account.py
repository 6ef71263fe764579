from typing import NamedTuple

from odoo import api, models

from ..ccp import client, const


class Account(NamedTuple):
    """Where a company's calls are placed, and with which credentials."""

    base_url: str
    api_path: str
    username: str
    password: str
    customer_id: str
    is_trial: bool

    def __repr__(self):
        """Tell nothing that must not stand in a log or traceback."""
        return f"Account(is_trial={self.is_trial})"


class CcpAccount(models.AbstractModel):
    """Tells which account at Airtel, or which sandbox, a company calls with.

    Read anew for every call, so that changed credentials take effect on the next one.
    """

    _name = "ccp.account"
    _description = "The account at Airtel that a company calls with"

    @api.model
    def _of(self, company):
        """Return the account that a company's next call is placed with.

        :param company: one ``res.company``
        :rtype: Account
        """
        company = company.sudo()
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

    @api.model
    def _client(self, account):
        """Return what sends requests to an account.

        :param Account account: see ``_of``
        :rtype: ccp.client.Client
        """
        return client.Client(account.base_url, account.api_path, account.username, account.password)
