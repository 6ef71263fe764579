import threading
import time
from unittest.mock import patch

from ..controllers import wakeup
from .live_server import live_stack
from .test_live import set_phone, wait_for

DUE = """
    INSERT INTO ir_cron_trigger (cron_id, call_at)
    SELECT res_id, now() AT TIME ZONE 'UTC' - interval '1 minute'
      FROM ir_model_data
     WHERE module = 'airtel_ccp' AND name = 'ir_cron_fold_reports'
"""


def test_at_once_then_a_few_times_a_second():
    woken = []
    waker = wakeup.Waker(pause=0.2)
    with (
        patch.object(wakeup, "TRIES", 0),
        patch.object(
            wakeup, "Registry", side_effect=lambda name: woken.append(name) or NoDatabase()
        ),
    ):
        began = time.monotonic()
        waker.wake("one")
        wait_for(lambda: woken == ["one"], "the first wake-up", 5)
        assert time.monotonic() - began < 0.15
        while time.monotonic() - began < 1:
            waker.wake("one")
            time.sleep(0.002)
        assert 4 <= len(woken) <= 6
        waker.wake("other")
        wait_for(lambda: "other" in woken, "the wake-up of another database", 5)
        wait_for(lambda: threading.active_count() < 20, "the end of the timers", 5)


def test_what_fails_is_tried_again_and_keeps_no_other_wake_up_waiting():
    woken = []

    def open_registry(name):
        woken.append(name)
        return NoDatabase()

    waker = wakeup.Waker(pause=0.02)
    with patch.object(wakeup, "TRIES", 5), patch.object(wakeup, "Registry", open_registry):
        waker.wake("one")
        waker.wake("one")
        wait_for(lambda: len(woken) == 6, "five more tries", 10)
        time.sleep(0.1)
        assert woken == ["one"] * 6
        waker.wake("one")
        wait_for(lambda: len(woken) == 8, "the next ones", 10)
        waker.wake("one")
        waker.wake("other")
        wait_for(lambda: "other" in woken, "another database", 1)
        wait_for(lambda: not waker._trying, "the end of the tries", 10)


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
        with patch.object(second, "wake", heard.append):
            first._trigger(server.database)
            assert server.query(triggers) == [(3,)]
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
    """A run that is asked for already may be one of which no worker for actions was told."""
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
