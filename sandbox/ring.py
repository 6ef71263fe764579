"""``python -m sandbox --ring``: lets a customer call through a running sandbox, and follows it."""

import http.client
import json
import sys
import time

from .incoming_scripts import BY_NAME
from .reports import masked
from .switches import read_text

POLL_SECONDS = 0.2
ANSWER_SECONDS = 10
# The command follows a call for an hour at most.
MOST_SECONDS = 3600
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}


class RingError(Exception):
    """The call can't be made or followed; the text says why and what to do."""


def main(options):
    """Make one incoming call and print what happens until it is over.

    :param options: the command line's: ``host`` and ``port`` of the sandbox, ``ring``, ``to``,
        ``digit``, ``script`` and ``switch``
    :return: exit code: 0, or 1 when the call can't be made
    """
    try:
        if not options.to:
            raise RingError("Which Airtel number does the customer call? Add --to 8000000001.")
        wish = {"from": options.ring, "to": options.to}
        optional = {"digit": options.digit, "script": options.script}
        wish.update((name, value) for name, value in optional.items() if value is not None)
        wish["switches"] = dict(map(read_text, options.switch))
        client = _Client(options.host, options.port)
        call_id = client.request("POST", "/sandbox/ring", wish)["id"]
        _follow(client, f"/sandbox/ring/{call_id}")
    except (RingError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("The call goes on.")
    return 0


class _Client:
    def __init__(self, host, port):
        self.host = EVERYWHERE.get(host, host)
        self.port = port

    def request(self, method, path, wish=None):
        """Return the sandbox's JSON answer.

        :raises RingError: when there is no answer, or the sandbox refuses
        """
        connection = http.client.HTTPConnection(self.host, self.port, timeout=ANSWER_SECONDS)
        try:
            connection.request(method, path, None if wish is None else json.dumps(wish))
            response = connection.getresponse()
            status, answer = response.status, json.loads(response.read())
            if not isinstance(answer, dict):
                raise ValueError("the answer is no object")
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise RingError(
                f"No sandbox answers at {self.host}, port {self.port}: start one with "
                "python3 -m sandbox, or say where it is with --host and --port."
            ) from error
        finally:
            connection.close()
        if status != 200:
            raise RingError(answer.get("message", f"The sandbox answers {status}."))
        return answer


def _follow(client, path):
    said = 0
    until = time.monotonic() + MOST_SECONDS
    while time.monotonic() < until:
        call = client.request("GET", path)
        lines = lines_of(call)
        for line in lines[said:]:
            print(line, flush=True)
        said = len(lines)
        if call["finished"]:
            return
        time.sleep(POLL_SECONDS)


def lines_of(call):
    """Return what happened in a call so far, one line each; later calls only append lines.

    :param call: the sandbox's dict, see ``ledger.IncomingLedger.open``
    """
    first = f"{call['from']} calls {call['to']}: {BY_NAME[call['script']].summary}"
    happened = [(item["time"], _asked(item)) for item in call["asked"]]
    happened += [(item["time"], _reported(item)) for item in call["callbacks"]]
    lines = [first, *(line for _time, line in sorted(happened, key=lambda item: item[0]))]
    if call["finished"]:
        if call["desk"]:
            lines.append(f"  Airtel's own desk rang. {call['desk']}")
        lines += [f"  Remark: {remark}" for remark in call["remarks"]]
        who = f" by {masked(call['answeredBy'])}" if call["answeredBy"] else ""
        lines.append(f"  Over: {call['outcome'] or 'the sandbox stopped'}{who}")
    return lines


def _asked(item):
    answer = item["fault"] or f"{item['status']} after {item['seconds']} s, good"
    return f"  Airtel asked whom to ring ({item['method']}, {item['authentication']}): {answer}"


def _reported(item):
    number = item["body"].get("participantAddress") if isinstance(item["body"], dict) else None
    about = f" of {masked(number)}" if number else ""
    name = "CDR" if item["kind"] == "cdr" else item["name"]
    return f"  Reported {name}{about}: {item['status'] or item['error']}"
