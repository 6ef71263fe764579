"""A client of Odoo's own JSON-RPC, as a browser speaks it.

Standard library only: ``make demo`` runs with the machine's own Python.
"""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from itertools import count
from typing import Any

from ..machine.errors import ToolError

TIMEOUT_SECONDS = 60
USER_ERROR = "odoo.exceptions.UserError"


class RpcError(ToolError):
    """Odoo answered with an error.

    :param name: the dotted name of the exception.
    :param message: the exception's sentence.
    """

    def __init__(self, name: str, message: str):
        super().__init__(f"Odoo refused: {message or name}")
        self.name = name
        self.message = message


class NoAnswerError(ToolError):
    """No answer came, or only a part of one: Odoo may have done what it was asked."""


class NotSentError(NoAnswerError):
    """No server listened: nothing was sent."""


@dataclass(frozen=True)
class Answer:
    """The result of a GET: status, media type and body."""

    status: int
    media_type: str
    body: bytes


class _KeepRedirects(urllib.request.HTTPRedirectHandler):
    """Returns redirects unchanged: following one to the login page would hide a refusal."""

    def redirect_request(self, *arguments):
        """Follow no redirect."""
        return None


class Session:
    """One browser session.

    ``uid`` and ``context`` are those of the user who is logged in; ``cookie`` is the header with
    which another client can send requests of this session.
    """

    def __init__(self, url: str, cookie: str = ""):
        """Open a session.

        :param url: Odoo's address, without a path.
        :param cookie: the header of a session that is logged in already; by default not logged in.
        """
        self.uid: int | None = None
        self.context: dict[str, Any] = {}
        self.cookie = cookie
        self._url = url
        self._ids = count(1)
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), _KeepRedirects()
        )

    def login(self, database: str, login: str, password: str) -> Session:
        """Log in, and return the session.

        :raises RpcError: when Odoo refuses.
        :raises NoAnswerError: when it does not answer.
        """
        parameters = {"db": database, "login": login, "password": password}
        information = self._post("/web/session/authenticate", parameters)
        self.uid = information.get("uid")
        # The context that the web client adds to each call
        companies = information.get("user_companies") or {}
        self.context = {
            **information.get("user_context", {}),
            "allowed_company_ids": [companies.get("current_company")],
        }
        return self

    def call(self, model: str, method: str, *arguments: Any, **keywords: Any) -> Any:
        """Call a model's public method.

        :raises RpcError: when Odoo answers with an error.
        :raises NoAnswerError: when no answer comes, or an unreadable one.
        """
        return self._post(*call_parameters(model, method, *arguments, **keywords))

    def get(self, path: str, timeout: float = TIMEOUT_SECONDS) -> Answer:
        """Fetch a page, without following redirects.

        :param timeout: the longest silence of Odoo in seconds.
        :raises NoAnswerError: when no answer comes, or only a part of one.
        """
        return self._ask(path, None, timeout)

    def _post(self, path: str, parameters: dict[str, Any]) -> Any:
        found = self._ask(path, body(parameters, next(self._ids)), TIMEOUT_SECONDS)
        try:
            answer = json.loads(found.body)
        except ValueError as error:
            raise NoAnswerError(f"Odoo did not answer {path} as JSON: {found.status}") from error
        if "error" in answer:
            details = answer["error"].get("data", {})
            name = details.get("name") or answer["error"].get("message")
            raise RpcError(name, details.get("message", ""))
        return answer.get("result")

    def _ask(self, path: str, data: bytes | None, timeout: float) -> Answer:
        headers = {"Cookie": self.cookie} if self.cookie else {}
        if data is not None:
            headers["Content-Type"] = "application/json"
        request = urllib.request.Request(self._url + path, data, headers)
        try:
            try:
                response = self._opener.open(request, timeout=timeout)
            except urllib.error.HTTPError as error:
                response = error
            with response:
                for each in response.headers.get_all("Set-Cookie", ()):
                    if each.startswith("session_id="):
                        self.cookie = each.partition(";")[0]
                media_type = response.headers.get_content_type()
                return Answer(response.status, media_type, response.read())
        except (OSError, http.client.HTTPException) as error:
            # The URL handler wraps the socket's error
            is_refused = isinstance(getattr(error, "reason", error), ConnectionRefusedError)
            kind = NotSentError if is_refused else NoAnswerError
            raise kind(f"Odoo did not answer {path}: {error}") from error


def call_parameters(
    model: str, method: str, *arguments: Any, **keywords: Any
) -> tuple[str, dict[str, Any]]:
    """Return the path and the parameters with which the web client calls a method."""
    parameters = {"model": model, "method": method, "args": arguments, "kwargs": keywords}
    return f"/web/dataset/call_kw/{model}/{method}", parameters


def body(parameters: dict[str, Any], number: int = 1) -> bytes:
    """Return the body of a JSON-RPC request.

    :param number: the request's number, which the answer repeats.
    """
    rpc = {"jsonrpc": "2.0", "method": "call", "id": number, "params": parameters}
    return json.dumps(rpc).encode()
