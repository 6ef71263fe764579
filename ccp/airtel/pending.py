# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl-3.0).
"""A request to Airtel that runs in a thread of its own.

Airtel may hold a request for many seconds. The caller waits as long as it can afford to, then
continues with other work; a callback receives the answer when it comes.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import wait as wait_for

from .client import (
    Answer,
    Client,
)


class Exchange:
    """One request, sent once, and its answer.

    The thread is not a daemon: a process that ends waits for the answer, at most until the client's
    timeouts.

    :param client: sends the request
    :param body: what ``request.body`` returned
    """

    def __init__(self, client: Client, body: dict):
        self._answer: Future[Answer] = Future()
        threading.Thread(target=self._run, args=(client, body), name="airtel_ccp.exchange").start()

    def _run(self, client, body):
        try:
            answer = client.execute(body)
        except BaseException as error:  # noqa: BLE001 - raised again by ``answer``
            self._answer.set_exception(error)
        else:
            self._answer.set_result(answer)

    def wait(self, seconds: float) -> bool:
        """Wait for the answer, and return whether it is there.

        :param seconds: how long at most
        """
        return bool(wait_for([self._answer], seconds).done)

    def answer(self) -> Answer:
        """Return the answer; only called once it is there.

        :raises ccp.airtel.client.CcpError: see ``ccp.airtel.client.Client.execute``
        """
        return self._answer.result()

    def when_answered(self, take: Callable[["Exchange"], None]) -> None:
        """Call a function with this exchange once it is answered: in the request's thread, or now.

        :param take: called with this exchange; its errors are logged and not raised
        """
        self._answer.add_done_callback(lambda _answer: take(self))
