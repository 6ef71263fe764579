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

# Odoo ends a worker whose scheduled actions take 120 seconds, so a run takes less, and a download
# that begins with it less than that
RUN_SECONDS = 100
MAX_SECONDS = 80
# What is left of a run for noting what came of its last downloads
NOTE_SECONDS = 5
# What a download needs that begins late in a run; a shorter one would be cut off
LEAST_SECONDS = 15
# How many are fetched at once, and how many of these only if somebody waits
FETCHES = 6
FOR_LISTENERS = 2
# How often a run looks whether somebody has come to wait
LOOK_SECONDS = 1
# Longer than a run, after which nobody fetches it any more
LEASE = timedelta(minutes=2)
PAUSES = tuple(
    timedelta(seconds=seconds)
    for seconds in (15, 30, 60, 120, 300, 900, 3600, 3 * 3600, 12 * 3600, 24 * 3600)
)
# How long a copy stays after it was fetched or heard, if the company keeps none: who pauses, seeks
# or asks a colleague to listen needs no second download
COPY_PERIOD = timedelta(hours=1)
# How soon to try again what this server could not keep
PUT_OFF = timedelta(minutes=5)
# A player asks every few seconds; Airtel is not asked that often
LISTENERS_PAUSE = timedelta(seconds=15)
RETRY_SECONDS = 1
# A recording that Airtel has not yet is worth waiting for; anything else is said at once
WORTH_WAITING = "not_ready"
FETCH_ACTION = "airtel_ccp.ir_cron_fetch_recordings"


def _origin_of(url):
    """Return scheme, host and port of an address."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


class _Fetch(threading.Thread):
    """One download into a temporary file, in a thread that uses no database.

    :param int call_id: the call whose recording it is
    :param open_recording: called without arguments, see ``ccp.safe.download.open_recording``
    :param bool is_cut: whether the run's end leaves it less time than others have
    :param queue.SimpleQueue finished: gets it when it is over
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
            # The error's text might hold the address
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
    """What one run of the scheduled action has under way, and how long it goes on."""

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
        """How many more may begin."""
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
        """Return a download that is over, or None after a short while."""
        try:
            return self._finished.get(timeout=LOOK_SECONDS)
        except queue.Empty:
            return None

    def end(self, fetch, is_noted):
        """Forget a download whose result is noted, or note it later."""
        if is_noted:
            self.under_way.discard(fetch)
            fetch.close()
        else:
            time.sleep(PAUSE_SECONDS)
            self._finished.put(fetch)


class CcpCall(models.Model):
    """Fetches recordings from Airtel in the background: first those for which somebody waits.

    Several at a time, so that a host that hangs keeps nobody else waiting. A listener's fetch
    begins within two seconds; at the end of a run that something slow has kept busy, within 20;
    only if as many listeners' fetches hang as there may be, after ``MAX_SECONDS``.
    """

    _inherit = "ccp.call"

    # Asking for one

    def _ask_for_recording(self):
        """Have this call's recording fetched now, for somebody who wants to hear it.

        It goes to the front, unless it is being fetched, or was tried a moment ago.

        :return: ``preparing`` or ``failed``; a sentence for the listener; after how many seconds
            to ask again, 0 for not by itself
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
        """Fetch the recordings for which somebody waits or that are due; pauses between tries grow.

        While something is under way, it goes on looking for listeners. Others are left to the next
        run once the time that Odoo gives an action is up, so that this one ends.
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
                # One that others keep writing must not keep the rest waiting
                run.is_patient = False
            else:
                # Somebody else holds them
                time.sleep(PAUSE_SECONDS)
                run.waited += PAUSE_SECONDS
        for fetch in run.under_way:
            # Its thread hangs where no time limit reaches, such as in the resolver of names
            self.browse(fetch.call_id)._note_fetch(fetch, reason="timeout")
        if self._is_recording_left(takes_due=True):
            self.env.ref(FETCH_ACTION)._trigger()
        # With something remaining, Odoo would run the action again within the same time limit
        self.env["ir.cron"]._commit_progress(remaining=0)

    @api.model
    def _begin_fetches(self, run):
        """Begin to fetch as many as there is room for.

        :param _Run run: gets them
        :return: whether some are left that this run may take
        :rtype: bool
        """
        if not run.room:
            return False
        try:
            calls = self._lease_recordings(run.room, run.takes_due, run.is_patient)
            is_left = self._is_recording_left(run.takes_due)
            # It returns how long Odoo lets the action go on; listeners are served beyond that
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
        """Return the domain of the calls whose recording somebody waits for."""
        return Domain("recording_asked_date", "!=", False) & self._not_leased()

    @api.model
    def _recordings_due(self):
        """Return the domain of the calls whose recording is to be fetched now."""
        return Domain("recording_next_date", "<=", fields.Datetime.now()) & self._not_leased()

    @api.model
    def _not_leased(self):
        now = fields.Datetime.now()
        return Domain("recording_lease_date", "=", False) | Domain("recording_lease_date", "<", now)

    @api.model
    def _is_recording_left(self, takes_due):
        """Return whether a recording is to be fetched that nobody fetches.

        :param bool takes_due: whether those count for which nobody waits
        :rtype: bool
        """
        return bool(
            self.search(self._recordings_asked_for(), limit=1)
            or (takes_due and self.search(self._recordings_due(), limit=1))
        )

    @api.model
    def _lease_recordings(self, room, takes_due, is_patient=True):
        """Take the next calls whose recording is to be fetched.

        A lease instead of a lock: a download may take a minute, and reports of the same call must
        be folded meanwhile. The caller commits it.

        :param int room: how many at most
        :param bool takes_due: whether to take those for which nobody waits
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
        """Fetch this call's recording later, as often as it takes: the fault is not Airtel's.

        The ORM is passed by, because a rule may be what failed.

        :param Exception error: why it cannot be fetched or kept now
        """
        if isinstance(error, CONTENTION):
            # The next run finds it as it is
            return
        # The error's text might hold the address
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
        """Return what opens this call's recording at Airtel, in a thread without an environment.

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

    # What came of it

    def _note_fetch(self, fetch, reason=None):
        """Keep what was fetched for this call, or note why not and when to try again; commit it.

        The result of the download is written in a transaction that begins after it. One that began
        before would conflict with every report that was folded meanwhile.

        :param _Fetch fetch: the download
        :param str | None reason: why it failed, if not what the download itself says
        :return: whether that is done; if not, somebody else holds the call
        :rtype: bool
        """
        try:
            return self._keep_fetched(fetch, reason or fetch.reason)
        except Exception as error:
            if is_gone(self.env.cr):
                raise
            # The disk may be full; other recordings do not wait for that
            self.env.cr.rollback()
            self._skip_fetch(error)
            self.env["ir.cron"]._commit_progress()
            return True

    def _keep_fetched(self, fetch, reason):
        """Keep what was fetched for this call, or note why not; see ``_note_fetch``.

        :param _Fetch fetch: the download
        :param str | None reason: why it failed, if it did
        :rtype: bool
        """
        if reason == "timeout" and fetch.is_cut:
            return self._note_download(self._ask_again)
        if reason:
            return self._note_download(functools.partial(self._postpone_recording, reason))
        # Mapped instead of read: a long recording must not fill the worker's memory
        with mmap.mmap(fetch.file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return self._note_download(
                functools.partial(self._store_recording, content, fetch.content_type)
            )

    def _note_download(self, write):
        """Write the result of a download, unless the recording is not wanted any more.

        :param write: called without arguments, may run more than once
        :return: whether it is written, or need not be
        :rtype: bool
        """
        self.env["ir.cron"]._commit_progress()

        def write_once():
            locked = self.try_lock_for_update(allow_referencing=True)
            if not locked:
                # Another transaction holds the call, or it was deleted meanwhile
                return 0, len(self.exists())
            locked.invalidate_recordset()
            locked.recording_lease_date = False
            if locked.recording_state in TO_FETCH:
                write()
            return 0, 0

        return take_turns(self, write_once, FETCH_ACTION)

    def _ask_again(self):
        """Have the recording fetched by the next run: this one left it too little time."""
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

        A listener's fetch before the planned try does not count: impatience must not make Odoo
        give up earlier.

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
        """Keep this call's recording, and forget the address that lets anybody listen.

        If the company keeps no copies, this one is there for a while only, and Odoo needs the
        address to fetch it for the next listener.

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
        """Let a copy that is there for its listeners stay for another while."""
        call = self.sudo()
        later = fields.Datetime.now() + COPY_PERIOD
        # Not with each part that a player asks for
        if call.recording_expiry and call.recording_expiry < later - COPY_PERIOD / 4:
            call.recording_expiry = later
