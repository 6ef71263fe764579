"""What a browser sends: requests of a user who is logged in."""

from __future__ import annotations

import json
import urllib.request

from .company import PASSWORD
from .load import request_bytes


class Session:
    """A rep who is logged in."""

    def __init__(self, url: str, database: str, login: str):
        self.login = login
        body = {"db": database, "login": login, "password": PASSWORD}
        request = urllib.request.Request(
            f"{url}/web/session/authenticate",
            json.dumps({"jsonrpc": "2.0", "method": "call", "params": body}).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            result = json.load(answer)
            if "error" in result:
                raise RuntimeError(f"{login} cannot log in: {result['error']['data']['message']}")
            information = result["result"]
            self.user_id = information["uid"]
            # As the web client adds to each call
            self.context = {
                **information["user_context"],
                "allowed_company_ids": [information["user_companies"]["current_company"]],
            }
            cookies = answer.headers.get_all("Set-Cookie")
        self.cookie = next(
            each.partition(";")[0] for each in cookies if each.startswith("session_id=")
        )

    def call(self, model: str, method: str, *args) -> bytes:
        """Return the whole request that calls a method, for the load generator."""
        params = {"model": model, "method": method, "args": list(args)}
        params["kwargs"] = {"context": self.context}
        body = json.dumps({"jsonrpc": "2.0", "method": "call", "params": params}).encode()
        path = f"/web/dataset/call_kw/{model}/{method}"
        return request_bytes(path, body, {"Cookie": self.cookie})
