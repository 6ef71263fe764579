import base64
import contextlib
import json
import logging
import time
import types
from pathlib import Path

from odoo.tests.common import ChromeBrowser

_logger = logging.getLogger(__name__)

PATIENCE = 60
# The least that the panel is made for, but for phones
USUAL_SIZE = "1366x657"


class Browser:
    """A real browser of one user, at a live server.

    :param server: the ``LiveServer``
    :param str login: the user's
    :param str size: of the window, in pixels
    """

    def __init__(self, server, login, size=USUAL_SIZE):
        self.login = login
        self.server = server
        case = types.SimpleNamespace(
            _logger=_logger,
            browser_size=size,
            touch_enabled=False,
            fetch_proxy=lambda _url: {"responseCode": 404},
        )
        self.chrome = ChromeBrowser(case)
        name, _equals, value = server.login(login).cookie.partition("=")
        self.chrome.set_cookie(name, value.split(";")[0], "/", "127.0.0.1")

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        self.chrome.stop()

    def open(self, path="/odoo"):
        """Open a page of the web client, and wait until it is there."""
        self.chrome.navigate_to(f"{self.server.url}{path}", wait_stop=True)
        # A new database makes its assets first
        selector = ".o_web_client .o_main_navbar"
        self.wait_for(selector, "the web client", seconds=PATIENCE * 5)

    def evaluate(self, expression):
        """Return the value of a JavaScript expression on the page."""
        answer = self.chrome._websocket_request(
            "Runtime.evaluate",
            params={"expression": expression, "awaitPromise": True, "returnByValue": True},
            timeout=PATIENCE,
        )
        if "exceptionDetails" in answer:
            raise AssertionError(f"{self.login}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def text(self, selector):
        """Return the text of the first element that fits, or None if there is none."""
        name = json.dumps(selector)
        return self.evaluate(f"document.querySelector({name})?.textContent ?? null")

    def wait_for(self, selector, what, contains="", seconds=PATIENCE):
        """Wait until an element is there whose text contains something, and return its text."""
        until = time.monotonic() + seconds
        text = None
        while time.monotonic() < until:
            text = self.text(selector)
            if text is not None and contains in text:
                return text
            time.sleep(0.1)
        page = self.evaluate("location.href + ' ' + document.body?.innerText.slice(0, 500)")
        raise AssertionError(f"{self.login} does not see {what}, but {text!r} on {page!r}")

    def click(self, selector):
        """Click the first element that fits, as a person does who sees it."""
        self.wait_for(selector, selector)
        self.evaluate(f"document.querySelector({json.dumps(selector)}).click()")

    def type(self, selector, text):
        """Put the focus into a field and type a text, key by key."""
        self.wait_for(selector, selector)
        self.evaluate(f"document.querySelector({json.dumps(selector)}).focus()")
        for character in text:
            self.chrome._websocket_request("Input.insertText", params={"text": character})

    def screenshot(self, path):
        """Write a picture of the page into a file."""
        answer = self.chrome._websocket_request("Page.captureScreenshot", timeout=PATIENCE)
        Path(path).write_bytes(base64.b64decode(answer["data"]))


@contextlib.contextmanager
def browsers(server, *logins, size=USUAL_SIZE):
    """Open a browser for each of some users.

    :return: the ``Browser`` of each, in their order
    """
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(Browser(server, login, size)) for login in logins]
