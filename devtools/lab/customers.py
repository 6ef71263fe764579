"""Customers who call the demo company: the sandbox plays them, with Odoo's addresses.

Standard library only: ``make run`` and ``make demo`` run with the machine's own Python.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

from ..machine.errors import ToolError

TIMEOUT_SECONDS = 10
# Airtel's flow for the demo company's calls, and the contact of the demo lead
AIRTEL_NUMBER = "8000000001"
CUSTOMER = "7000000101"


def request(url: str, wish: dict[str, Any] | None = None) -> Any:
    """Send the sandbox a request and return its JSON answer.

    :param url: the address of a page below ``/sandbox``.
    :param wish: what to POST; None: a GET.
    :raises ToolError: when it refuses or does not answer.
    """
    body = None if wish is None else json.dumps(wish).encode()
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(urllib.request.Request(url, body), timeout=TIMEOUT_SECONDS) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            raise ToolError(f"The sandbox refused: {error.read(1000).decode()}") from error
    except (OSError, ValueError) as error:
        raise ToolError(f"The sandbox did not answer: {error}") from error


def connect(sandbox_url: str, odoo_url: str, route_token: str, notify_token: str) -> None:
    """Have the sandbox ask Odoo whom to ring, and report to it.

    :param route_token: the token of the company's routing URL.
    :param notify_token: the token of the company's own notify URL.
    :raises ToolError: when the sandbox refuses.
    """
    wish = {
        "number": None,
        "routeUrl": f"{odoo_url}/airtel_ccp/route/{route_token}",
        "notifyUrl": f"{odoo_url}/airtel_ccp/webhook/{notify_token}",
    }
    request(f"{sandbox_url}/sandbox/number", wish)


def ring(sandbox_url: str) -> None:
    """Have the demo lead's contact call the company.

    :raises ToolError: when the sandbox refuses.
    """
    request(f"{sandbox_url}/sandbox/ring", {"from": CUSTOMER, "to": AIRTEL_NUMBER})
