import shutil
import socket
import threading
import time
from itertools import pairwise
from unittest.mock import patch

from ...ccp.safe.moment import Moment
from ...controllers import wakeup
from ...models import spool
from .server import live_stack, set_phone, wait_for

DUE = """
    INSERT INTO ir_cron_trigger (cron_id, call_at)
    SELECT res_id, now() AT TIME ZONE 'UTC' - interval '1 minute'
      FROM ir_model_data
     WHERE module = 'airtel_ccp' AND name = 'ir_cron_fold_reports'
"""


def test_at_once_then_a_few_times_a_second():
    woken, delays = [], []
    waker = wakeup.Waker(pause=0.2)
    start = waker._start

    def note_delay(delay, *arguments):
        delays.append(delay)
        start(delay, *arguments)

    def open_registry(name):
        # When it began, however long this thread has waited for its turn since
        woken.append((name, waker._woken[name]))
        return NoDatabase()

    with (
        patch.object(wakeup, "TRIES", 0),
        patch.object(wakeup, "Registry", open_registry),
        patch.object(waker, "_start", note_delay),
    ):
        waker.wake("one")
        assert delays == [0]
        wait_for(lambda: len(woken) == 1, "the first wake-up", 20)
        began = time.monotonic()
        while time.monotonic() - began < 1 or len(woken) < 3:
            waker.wake("one")
            time.sleep(0.002)
        moments = [moment for _name, moment in woken]
        gaps = [later - earlier for earlier, later in pairwise(moments)]
        assert min(gaps) >= 0.2
        assert max(delays) <= 0.2
        assert len(delays) <= len(woken) + 1, "those that come meanwhile wait together"
        waker.wake("other")
        wait_for(lambda: "other" in dict(woken), "the wake-up of another database", 20)
        wait_for(lambda: threading.active_count() < 20, "the end of the timers", 20)


def test_a_report_after_another_processs_wake_up_wakes_too():
    """Also if one from before waits for the same wake-up."""
    waker, asked = wakeup.Waker(pause=5), []

    def open_registry(name):
        asked.append(name)
        return NoDatabase()

    last = Moment(spool.root() / "fifth" / f"{socket.gethostname()}.woken")
    with (
        patch.object(waker, "_start"),
        patch.object(wakeup, "TRIES", 0),
        patch.object(wakeup, "Registry", open_registry),
    ):
        waker.wake("fifth")
        last.set(Moment.now())
        waker.wake("fifth")
        waker._trigger("fifth")
        assert asked == ["fifth"]
        waker.wake("fifth")
        last.set(Moment.now())
        waker._trigger("fifth")
        assert asked == ["fifth"]
    shutil.rmtree(spool.root() / "fifth")


def test_what_fails_is_tried_again_and_keeps_no_other_wake_up_waiting():
    woken = []

    def open_registry(name):
        # A late wake-up of another test would count here
        if name in ("third", "fourth"):
            woken.append(name)
        return NoDatabase()

    waker = wakeup.Waker(pause=0.02)
    with patch.object(wakeup, "TRIES", 5), patch.object(wakeup, "Registry", open_registry):
        waker.wake("third")
        waker.wake("third")
        wait_for(lambda: len(woken) >= 6 and not waker._trying, "five more tries", 10)
        time.sleep(0.1)
        # On a busy machine the first one may have begun before the second was asked for
        assert woken in (["third"] * 6, ["third"] * 7)
        before = len(woken)
        waker.wake("third")
        wait_for(lambda: len(woken) >= before + 2, "the next ones", 10)
        waker.wake("third")
        waker.wake("fourth")
        wait_for(lambda: "fourth" in woken, "another database", 1)
        wait_for(lambda: not waker._trying, "the end of the tries", 10)


def test_a_try_again_asks_whatever_others_did():
    """Otherwise it would count as going on for ever, and no later failure would be tried again."""
    waker, asked = wakeup.Waker(pause=5), []

    def open_registry(name):
        asked.append(name)
        return NoDatabase()

    waker._trying.add("sixth")
    with (
        patch.object(wakeup, "TRIES", 1),
        patch.object(wakeup, "Registry", open_registry),
        patch.object(Moment, "is_since", return_value=True),
    ):
        waker._trigger("sixth", failed=1)
    assert asked == ["sixth"]
    assert not waker._trying


def test_processes_wake_together():
    """Another process's wake-up of this moment does for both; one of another time does not."""
    heard = []
    with live_stack() as (server, _sandbox, _setup):
        triggers = """
            SELECT count(*) FROM ir_cron_trigger
              JOIN ir_model_data ON res_id = cron_id AND name = 'ir_cron_fold_reports'
        """
        # So that no run takes them away
        server.query("UPDATE ir_cron SET active = false")
        server.query("DELETE FROM ir_cron_trigger")
        server.query(DUE)
        server.query(DUE.replace("- interval", "+ interval"))
        first, second = wakeup.Waker(pause=5), wakeup.Waker(pause=5)
        second._waiting[server.database] = Moment.now()
        with patch.object(second, "wake", heard.append):
            first._trigger(server.database)
            assert server.query(triggers) == [(3,)]
            with patch.object(wakeup, "Registry", side_effect=AssertionError):
                second._trigger(server.database)
            assert not heard, "the report was there when the other process asked"
            second._trigger(server.database)
            assert server.query(triggers) == [(3,)]
        assert heard == [server.database], "it asks again after its pause"
        server.query("DELETE FROM ir_model_data WHERE name = 'ir_cron_fold_reports'")
        with patch.object(second, "wake", heard.append):
            second._trigger(server.database)
        assert len(heard) == 1, "an action that was deleted is asked for again and again"


class NoDatabase:
    """A registry that gives no connection."""

    def cursor(self):
        raise wakeup.psycopg2.OperationalError("away")


def test_a_wake_up_that_nobody_heard_keeps_nobody_asleep():
    """A run may be requested already although no worker for actions was notified."""
    with live_stack(speed=50) as (server, _sandbox, setup):
        set_phone(server, setup, "7000000101")
        rep = server.login("rep")
        server.query(DUE)
        answer = rep.call("crm.lead", "action_ccp_call", [setup.lead_id])
        wait_for(
            lambda: (
                server.query("SELECT state FROM ccp_call WHERE id = %s", answer["call_id"])
                == [("ended",)]
            ),
            "the call's end",
            20,
        )
