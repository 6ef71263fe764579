import functools
import logging
import mmap
import queue
import threading
import time
from datetime import timedelta
from tempfile import TemporaryFile
from urllib.parse import urlsplit

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from ..ccp.airtel import const
from ..ccp.safe import download
from ..ccp.safe.faults import name_of
from .ccp_call_recording import TO_FETCH
from .ccp_call_retention import RETENTION_ACTION
from .contention import CONTENTION, PAUSE_SECONDS, WAIT_SECONDS, is_gone, take_turns
from .ir_attachment import RECORDING_FIELD

_logger = logging.getLogger(__name__)

# Odoo ends a worker whose scheduled actions take 120 seconds: a run takes less, and a download
# takes less than a run
RUN_SECONDS = 100
MAX_SECONDS = 80
# The part of a run that is reserved for noting the results of its last downloads
NOTE_SECONDS = 5
# The least time for a download: one that would have less is left to the next run
LEAST_SECONDS = 15
# How many downloads run at once, and how many of these are reserved for listeners
FETCHES = 6
FOR_LISTENERS = 2
# How often a run checks for new listeners
LOOK_SECONDS = 1
# Longer than a run: after it nobody can still be fetching the recording
LEASE = timedelta(minutes=2)
PAUSES = tuple(
    timedelta(seconds=seconds)
    for seconds in (15, 30, 60, 120, 300, 900, 3600, 3 * 3600, 12 * 3600, 24 * 3600)
)
# How long a copy stays after it was fetched or heard, if the company keeps no copies: pausing,
# seeking or asking a colleague to listen needs no second download
COPY_PERIOD = timedelta(hours=1)
# How long to wait with a recording that this server could not keep
PUT_OFF = timedelta(minutes=5)
# Players ask every few seconds; Airtel is asked only this often
LISTENERS_PAUSE = timedelta(seconds=15)
RETRY_SECONDS = 1
# Only a recording that Airtel does not have yet is waited for; other failures are shown at once
WORTH_WAITING = "not_ready"
FETCH_ACTION = "airtel_ccp.ir_cron_fetch_recordings"


def _origin_of(url):
    """Return scheme, host and port of an address."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


class _Fetch(threading.Thread):
    """One download into a temporary file, in a thread that uses no database.

    :param int call_id: the id of the recording's call
    :param open_recording: called without arguments, see ``ccp.safe.download.open_recording``
    :param bool is_cut: whether the end of the run gives it less time than other downloads
    :param queue.SimpleQueue finished: this thread is put into it at its end
    """

    def __init__(self, call_id, open_recording, is_cut, finished):
        super().__init__(name=f"airtel_ccp recording of call {call_id}", daemon=True)
        self.call_id = call_id
        self._open_recording = open_recording
        self.is_cut = is_cut
        self._finished = finished
        self.file = None
        self.content_type = None
        self.reason = None

    def run(self):
        try:
            self.file = TemporaryFile()
            with self._open_recording() as answer:
                for chunk in answer.iter_chunks():
                    self.file.write(chunk)
            self.file.flush()
            self.content_type = answer.content_type
        except download.RecordingError as error:
            self.reason = error.reason
        except Exception as error:  # noqa: BLE001 - a thread has nobody to raise it to
            # The error's text may contain the recording's address
            _logger.error(
                "Call %s: fetching its recording failed (%s)", self.call_id, name_of(error)
            )
            self.reason = "failed"
        finally:
            self._finished.put(self)

    def close(self):
        """Remove the temporary file."""
        if self.file:
            self.file.close()


class _Run:
    """The downloads of one run of the scheduled action, and its time limit."""

    def __init__(self):
        self._until = time.monotonic() + RUN_SECONDS
        self.under_way = set()
        self._finished = queue.SimpleQueue()
        self.takes_due = True
        self.is_patient = True
        self.waited = 0

    @property
    def seconds_left(self):
        return self._until - time.monotonic()

    @property
    def room(self):
        """How many further downloads may begin."""
        return FETCHES - len(self.under_way) if self.seconds_left > LEAST_SECONDS else 0

    @property
    def is_busy(self):
        return bool(self.under_way) and self.seconds_left > 0

    def begin(self, call):
        """Start a call's download."""
        seconds = min(MAX_SECONDS, self.seconds_left - NOTE_SECONDS)
        fetch = _Fetch(
            call.id, call._recording_opener(seconds), seconds < MAX_SECONDS, self._finished
        )
        self.under_way.add(fetch)
        fetch.start()

    def next_finished(self):
        """Return a finished download, or None after a short while."""
        try:
            return self._finished.get(timeout=LOOK_SECONDS)
        except queue.Empty:
            return None

    def end(self, fetch, is_noted):
        """Forget a download if its result is noted, else try to note it later."""
        if is_noted:
            self.under_way.discard(fetch)
            fetch.close()
        else:
            time.sleep(PAUSE_SECONDS)
            self._finished.put(fetch)


class CcpCall(models.Model):
    """Fetches recordings from Airtel in the background, first those that somebody waits for.

    Several run at a time: a host that hangs holds up no other. A listener's download begins within
    two seconds, or within 20 at the end of a run with a slow download. Only if as many listeners'
    downloads hang as are allowed at once does the next one wait for ``MAX_SECONDS``.
    """

    _inherit = "ccp.call"

    # Asking for a recording

    def _ask_for_recording(self):
        """Have this call's recording fetched now, for somebody who wants to hear it.

        It is fetched next, unless a download is under way or was tried a moment ago.

        :return: ``preparing`` or ``failed``; a sentence for the listener; the seconds after which
            the player asks again, 0 if it should not
        :rtype: tuple[str, str, int]
        """
        call = self.sudo()
        now = fields.Datetime.now()
        is_under_way = call.recording_lease_date and call.recording_lease_date > now
        if call.recording_asked_date or is_under_way:
            return "preparing", self._preparing_sentence(), RETRY_SECONDS
        tried = call.recording_tried_date
        if not call.recording_url or (tried and tried > now - LISTENERS_PAUSE):
            if call.recording_reason != WORTH_WAITING:
                return "failed", self._fetch_sentence(call.recording_reason), 0
            pause = max(RETRY_SECONDS, (tried + LISTENERS_PAUSE - now).seconds)
            return "preparing", self._not_ready_sentence(), pause
        call.recording_asked_date = now
        self.env.ref(FETCH_ACTION).sudo()._trigger()
        if call.recording_reason == WORTH_WAITING:
            return "preparing", self._not_ready_sentence(), RETRY_SECONDS
        return "preparing", self._preparing_sentence(), RETRY_SECONDS

    # Fetching

    @api.model
    def _cron_fetch_recordings(self):
        """Fetch recordings that are due or waited for; failed ones again after growing pauses.

        As long as downloads are under way, the run checks for new listeners. After the time that
        Odoo gives an action, it leaves all others to the next run and ends.
        """
        run = _Run()
        while True:
            is_left = self._begin_fetches(run)
            if run.is_busy:
                if fetch := run.next_finished():
                    run.end(fetch, self.browse(fetch.call_id)._note_fetch(fetch))
            elif not is_left:
                break
            elif run.waited > WAIT_SECONDS:
                if not run.is_patient:
                    break
                # If other transactions keep writing one call, it must not hold up the others
                run.is_patient = False
            else:
                # Other transactions hold the calls
                time.sleep(PAUSE_SECONDS)
                run.waited += PAUSE_SECONDS
        for fetch in run.under_way:
            # Its thread hangs where no time limit applies, such as in name resolution
            self.browse(fetch.call_id)._note_fetch(fetch, reason="timeout")
        if self._is_recording_left(takes_due=True):
            self.env.ref(FETCH_ACTION)._trigger()
        # Odoo would run the action again at once, within the same time limit
        self.env["ir.cron"]._commit_progress(remaining=0)

    @api.model
    def _begin_fetches(self, run):
        """Begin as many downloads as there is room for.

        :param _Run run: the run, which keeps them
        :return: whether this run may take further calls
        :rtype: bool
        """
        if not run.room:
            return False
        try:
            calls = self._lease_recordings(run.room, run.takes_due, run.is_patient)
            is_left = self._is_recording_left(run.takes_due)
            # Returns how much time Odoo gives the action; listeners are served after it, too
            run.takes_due &= bool(self.env["ir.cron"]._commit_progress(len(calls)))
        except CONTENTION as error:
            _logger.info("%s met another transaction (%s)", FETCH_ACTION, name_of(error))
            self.env.cr.rollback()
            return True
        for call in calls:
            run.begin(call)
        if calls:
            run.waited = 0
        return is_left

    @api.model
    def _recordings_asked_for(self):
        """Return the domain of calls whose recording somebody waits for."""
        return Domain("recording_asked_date", "!=", False) & self._not_leased()

    @api.model
    def _recordings_due(self):
        """Return the domain of calls whose recording is due to be fetched."""
        return Domain("recording_next_date", "<=", fields.Datetime.now()) & self._not_leased()

    @api.model
    def _not_leased(self):
        now = fields.Datetime.now()
        return Domain("recording_lease_date", "=", False) | Domain("recording_lease_date", "<", now)

    @api.model
    def _is_recording_left(self, takes_due):
        """Return whether there is a recording to fetch that no run has leased.

        :param bool takes_due: whether those that nobody waits for count, too
        :rtype: bool
        """
        return bool(
            self.search(self._recordings_asked_for(), limit=1)
            or (takes_due and self.search(self._recordings_due(), limit=1))
        )

    @api.model
    def _lease_recordings(self, room, takes_due, is_patient=True):
        """Lease the next calls whose recording is to be fetched; the caller commits.

        A lease instead of a lock, because a download may take a minute in which reports of the same
        call must be folded.

        :param int room: how many at most
        :param bool takes_due: whether to take those that nobody waits for, too
        :param bool is_patient: see ``contention.apart``
        :return: ``ccp.call`` records
        """
        asked = self._recordings_asked_for()
        calls = self.search(asked, order="recording_asked_date, id", limit=room)
        room -= len(calls) + FOR_LISTENERS
        if takes_due and room > 0:
            due = self._recordings_due() & Domain("id", "not in", calls.ids)
            calls |= self.search(due, order="recording_next_date, id", limit=room)
        leased = []

        def lease(some):
            some.write(
                {
                    "recording_asked_date": False,
                    "recording_lease_date": fields.Datetime.now() + LEASE,
                }
            )
            self.env.flush_all()
            leased.append(some)

        locked = calls.try_lock_for_update(allow_referencing=True)
        locked._guarded(lease, lambda call, error: call._skip_fetch(error), is_patient)
        return self.browse().union(*leased)

    def _skip_fetch(self, error):
        """Fetch this call's recording later, without counting a try: the fault is not Airtel's.

        By SQL, because an automation rule may be what failed.

        :param Exception error: why it cannot be fetched or kept now
        """
        if isinstance(error, CONTENTION):
            # The next run finds the call unchanged
            return
        # The error's text may contain the recording's address
        _logger.error("Call %s: its recording cannot be kept now (%s)", self.id, name_of(error))
        now = fields.Datetime.now()
        later = now + PUT_OFF
        self.env.cr.execute(
            SQL(
                """
                UPDATE ccp_call
                   SET recording_asked_date = NULL, recording_lease_date = NULL,
                       recording_tried_date = %s, recording_reason = 'failed',
                       recording_error = %s,
                       recording_next_date = CASE recording_state WHEN 'pending' THEN %s END
                 WHERE id = %s AND recording_state = ANY(%s)
                """,
                now,
                self._fetch_sentence("failed"),
                later,
                self.id,
                list(TO_FETCH),
            )
        )
        self.invalidate_recordset()
        self.env.ref(FETCH_ACTION)._trigger(later)

    def _recording_hosts(self):
        """Return the hosts from which this call's recording may come.

        :rtype: ccp.safe.download.HostList
        """
        company = self.company_id.sudo()
        hosts = company.ccp_recording_hosts or ""
        if self.trial:
            hosts = _origin_of(company.ccp_trial_url or const.SANDBOX_URL)
        return download.HostList(hosts)

    def _recording_opener(self, seconds):
        """Return a function that opens this call's recording at Airtel, for a thread.

        :param float seconds: how long the download may take
        :return: see ``ccp.safe.download.open_recording``
        """
        return functools.partial(
            download.open_recording,
            self.recording_url,
            self._recording_hosts(),
            max_bytes=download.MAX_BYTES,
            total_seconds=seconds,
        )

    # Noting the result

    def _note_fetch(self, fetch, reason=None):
        """Store what was fetched for this call, or why it failed and when to try again; commit.

        The result is written in a transaction that begins after the download. One from before it
        would conflict with every report that was folded meanwhile.

        :param _Fetch fetch: the download
        :param str | None reason: why it failed, if it is not the download that says so
        :return: whether that is done; if not, another transaction holds the call
        :rtype: bool
        """
        try:
            return self._keep_fetched(fetch, reason or fetch.reason)
        except Exception as error:
            if is_gone(self.env.cr):
                raise
            # The disk may be full; the other downloads go on
            self.env.cr.rollback()
            self._skip_fetch(error)
            self.env["ir.cron"]._commit_progress()
            return True

    def _keep_fetched(self, fetch, reason):
        """Store what was fetched for this call, or why it failed; see ``_note_fetch``.

        :param _Fetch fetch: the download
        :param str | None reason: why it failed, if it did
        :rtype: bool
        """
        if reason == "timeout" and fetch.is_cut:
            return self._note_download(self._ask_again)
        if reason:
            return self._note_download(functools.partial(self._postpone_recording, reason))
        # Mapped instead of read: a long recording would fill the worker's memory
        with mmap.mmap(fetch.file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return self._note_download(
                functools.partial(self._store_recording, content, fetch.content_type)
            )

    def _note_download(self, write):
        """Write the result of a download, unless the recording is no longer wanted.

        :param write: called without arguments; may run more than once
        :return: whether it is written or no longer needed
        :rtype: bool
        """
        self.env["ir.cron"]._commit_progress()

        def write_once():
            locked = self.try_lock_for_update(allow_referencing=True)
            if not locked:
                # Another transaction holds the call, or the call was deleted
                return 0, len(self.exists())
            locked.invalidate_recordset()
            locked.recording_lease_date = False
            if locked.recording_state in TO_FETCH:
                write()
            return 0, 0

        return take_turns(self, write_once, FETCH_ACTION)

    def _ask_again(self):
        """Have the recording fetched by the next run, because this one left it too little time."""
        self.recording_asked_date = fields.Datetime.now()
        self.env.ref(FETCH_ACTION)._trigger()

    def _note_try(self, reason):
        self.write(
            {
                "recording_tried_date": fields.Datetime.now(),
                "recording_reason": reason,
                "recording_error": self._fetch_sentence(reason),
            }
        )

    def _postpone_recording(self, reason):
        """Plan the next try, or give up after the last one.

        A listener's fetch before the planned try is not counted, or impatient listeners would make
        Odoo give up earlier.

        :param str reason: see ``ccp.safe.download.RecordingError``
        """
        _logger.info("Call %s: its recording was not fetched (%s)", self.id, reason)
        self._note_try(reason)
        now = fields.Datetime.now()
        if self.recording_state == "at_airtel":
            is_old = self.end_date and self.end_date < now - sum(PAUSES, timedelta())
            if reason == "gone" or (reason == WORTH_WAITING and is_old):
                self.recording_state = "missing"
                self._fold()
            return
        if self.recording_next_date and self.recording_next_date > now:
            return
        tries = self.recording_tries
        values = {"recording_tries": tries + 1}
        if tries < len(PAUSES):
            moment = now + PAUSES[tries]
            values["recording_next_date"] = moment
            self.env.ref(FETCH_ACTION)._trigger(moment)
        else:
            values.update(recording_state="missing", recording_next_date=False)
        self.write(values)
        self._fold()

    def _store_recording(self, content, content_type):
        """Store this call's recording, and delete Airtel's address, with which anybody can listen.

        If the company keeps no copies, this copy is temporary, and Odoo keeps the address to fetch
        the recording for the next listener.

        :param content: the sound, as bytes or a bytes-like object
        :param str content_type: the sound's type
        """
        attachment = self.env["ir.attachment"].create(
            {
                "name": self._recording_file_name(content_type),
                "raw": content,
                "mimetype": content_type,
                "res_model": "ccp.call",
                "res_id": self.id,
                "res_field": RECORDING_FIELD,
                "company_id": self.company_id.id,
            }
        )
        url = self.recording_url
        is_kept = self.company_id.sudo().ccp_keep_copies or self.keep_forever
        self.write(
            {
                "recording_state": "stored",
                "recording_id": attachment.id,
                "recording_url": not is_kept and url,
                "recording_expiry": not is_kept and fields.Datetime.now() + COPY_PERIOD,
                "recording_next_date": False,
                "recording_reason": False,
                "recording_error": False,
            }
        )
        if is_kept:
            self.event_ids._forget_url(url)
        else:
            self.env.ref(RETENTION_ACTION)._trigger(self.recording_expiry)
        self._fold()

    def _keep_for_listener(self):
        """Keep a temporary copy for a while longer, because somebody listens to it."""
        call = self.sudo()
        later = fields.Datetime.now() + COPY_PERIOD
        # Not with each part of the recording that a player requests
        if call.recording_expiry and call.recording_expiry < later - COPY_PERIOD / 4:
            call.recording_expiry = later
