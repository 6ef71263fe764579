"""A very long recording: the memory for playing and fetching it."""

from __future__ import annotations

import hashlib
import threading

import psutil
import requests

from . import company
from .airtel import Airtel
from .figures import Figure
from .stack import MEGABYTE, Stack, wait_until

# The largest recording that the addon fetches from Airtel
FETCHED_MEGABYTES = 190
FETCH_SECONDS = 300


def run(stack: Stack, quick: bool) -> list[Figure]:
    """Play a stored recording, and fetch one from Airtel."""
    megabytes = 100 if quick else 1024
    fetched = 100 if quick else FETCHED_MEGABYTES
    with Airtel(0) as airtel, stack.env() as env:
        company.set_up(env, airtel.url)
        stored, pending = company.make_calls(env, 2)
        user = env["res.users"].search([("login", "=", company.login(0))])
        user.group_ids |= env.ref("airtel_ccp.group_ccp_manager") | env.ref(
            "airtel_ccp.group_ccp_download"
        )
        _store(env, stored, megabytes * MEGABYTE)
        env["ccp.call"].browse(pending.id).write(
            {
                "user_id": user.id,
                "recording_state": "pending",
                "recording_url": f"{airtel.url}/recording/{fetched * MEGABYTE}",
            }
        )
        env["ccp.call"].browse(stored.id).user_id = user
        env.cr.commit()
        with stack.odoo(workers=1, cron=1) as odoo:
            session = company.log_in(odoo, 0)
            played = _played(odoo, session, stored, megabytes)
            (worker,) = odoo.cron_pids()
            with Peak(worker) as peak:
                _fetch(stack, pending)
    note = "memory of its own (RssAnon), most of a sampling each 2 ms, beyond the one before"
    return [
        Figure(f"recording of {megabytes} MB, played: memory", played, "MB", 16, note=note),
        Figure(f"recording of {fetched} MB, fetched: memory", peak.megabytes, "MB", 16, note=note),
    ]


class Peak:
    """The peak of a process's own memory while it was watched."""

    def __init__(self, pid: int):
        self._process = psutil.Process(pid)
        self._done = threading.Event()
        self._most = 0

    def __enter__(self) -> Peak:
        self._before = self._now()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_exception) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self):
        while not self._done.wait(0.002):
            self._most = max(self._most, self._now())

    def _now(self):
        used = self._process.memory_info()
        return used.rss - used.shared

    @property
    def megabytes(self) -> float:
        """The increase since before."""
        return max(0, self._most - self._before) / MEGABYTE


def _played(odoo, session, call, megabytes):
    """Play a recording twice; return the memory of the second time, as the first fills caches."""
    for _number in range(2):
        (pid,) = odoo.http_pids()
        with Peak(pid) as peak:
            url = f"{odoo.url}/airtel_ccp/recording/{call.id}"
            headers = {"Cookie": session.cookie}
            with requests.get(url, headers=headers, stream=True, timeout=600) as answer:
                length = sum(map(len, answer.iter_content(MEGABYTE)))
        if length != megabytes * MEGABYTE:
            raise RuntimeError(f"{length} bytes of the recording were played")
    return peak.megabytes


def _store(env, call, length):
    """Store a sound of that length, mostly a hole in the file, as a call's recording."""
    attachments = env["ir.attachment"]
    beginning = b"RIFF\xff\xff\xff\xffWAVEfmt " + bytes(1000)
    attachment = attachments.create(
        {
            "name": "recording.wav",
            "raw": beginning + call.token.encode(),
            "mimetype": "audio/wav",
            "res_model": "ccp.call",
            "res_id": call.id,
            "res_field": "recording_file",
        }
    )
    checksum = hashlib.sha1(call.token.encode()).hexdigest()
    name, path = attachments._get_path(b"", checksum)
    with open(path, "wb") as file:
        file.write(beginning)
        file.truncate(length)
    env.flush_all()
    env.cr.execute(
        "UPDATE ir_attachment SET store_fname = %s, file_size = %s, checksum = %s WHERE id = %s",
        [name, length, checksum, attachment.id],
    )
    env["ccp.call"].browse(call.id).write(
        {"recording_state": "stored", "recording_id": attachment.id}
    )


def _fetch(stack, call):
    """Have the scheduled action fetch a recording, and wait until it is there."""
    stack.query(
        "UPDATE ccp_call SET recording_next_date = now() AT TIME ZONE 'UTC' WHERE id = %s", call.id
    )
    with stack.env() as env:
        stack.trigger(env.ref("airtel_ccp.ir_cron_fetch_recordings").ids)

    def is_stored():
        ((state, error),) = stack.query(
            "SELECT recording_state, recording_error FROM ccp_call WHERE id = %s", call.id
        )
        if error:
            raise RuntimeError(f"the recording was not fetched: {error}")
        return state == "stored"

    wait_until(is_stored, FETCH_SECONDS, "the recording was not fetched", pause=0.5)
