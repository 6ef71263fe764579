"""A client of Odoo's own JSON-RPC, as a browser speaks it."""

from __future__ import annotations

import http.client
import http.cookiejar
import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from itertools import count
from typing import Any

from ..machine.errors import ToolError

TIMEOUT_SECONDS = 60


@dataclass(frozen=True)
class Answer:
    """What a GET brought: status, media type and body."""

    status: int
    media_type: str
    body: bytes


class _KeepRedirects(urllib.request.HTTPRedirectHandler):
    """Answers a redirect as it is, because following one to the login page would hide a refusal."""

    def redirect_request(self, *arguments):
        """Follow nothing."""
        return None


class Client:
    """One browser session."""

    def __init__(self, url: str):
        """Open a session that is not logged in.

        :param url: Odoo's address, without a path.
        """
        self._url = url
        self._ids = count(1)
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}),
            urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()),
            _KeepRedirects(),
        )

    def login(self, database: str, login: str, password: str) -> None:
        """Log in.

        :raises ToolError: when Odoo refuses.
        """
        parameters = {"db": database, "login": login, "password": password}
        self._post("/web/session/authenticate", parameters)

    def call(self, model: str, method: str, *arguments: Any, **keywords: Any) -> Any:
        """Call a model's public method.

        :raises ToolError: when Odoo answers with an error; its text is the error's own sentence.
        """
        parameters = {"model": model, "method": method, "args": arguments, "kwargs": keywords}
        return self._post(f"/web/dataset/call_kw/{model}/{method}", parameters)

    def get(self, path: str) -> Answer:
        """Fetch a page; a redirect counts as the answer.

        :raises ToolError: when no answer comes, or only a part of one.
        """
        try:
            try:
                response = self._opener.open(self._url + path, timeout=TIMEOUT_SECONDS)
            except urllib.error.HTTPError as error:
                response = error
            with response:
                media_type = response.headers.get_content_type()
                return Answer(response.status, media_type, response.read())
        except (OSError, http.client.HTTPException) as error:
            raise ToolError(f"Odoo did not answer {path}: {error}") from error

    def _post(self, path: str, parameters: dict[str, Any]) -> Any:
        body = {"jsonrpc": "2.0", "method": "call", "id": next(self._ids), "params": parameters}
        request = urllib.request.Request(
            self._url + path, json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        try:
            with self._opener.open(request, timeout=TIMEOUT_SECONDS) as response:
                answer = json.load(response)
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise ToolError(f"Odoo did not answer {path}: {error}") from error
        if "error" in answer:
            details = answer["error"].get("data", {})
            reason = details.get("message") or details.get("name") or answer["error"].get("message")
            raise ToolError(f"Odoo refused: {reason}")
        return answer.get("result")
