import functools
import logging
import mmap
from datetime import timedelta
from tempfile import TemporaryFile
from urllib.parse import urlsplit

from odoo import api, fields, models
from odoo.exceptions import AccessError

from ..ccp.airtel import const
from ..ccp.safe import download
from .contention import take_turns
from .ir_attachment import RECORDING_FIELD

_logger = logging.getLogger(__name__)

MAX_SECONDS = 120
LEASE = timedelta(minutes=5)
PAUSES = tuple(
    timedelta(seconds=seconds)
    for seconds in (15, 30, 60, 120, 300, 900, 3600, 3 * 3600, 12 * 3600, 24 * 3600)
)
FETCH_BATCH = 5
FETCH_ACTION = "airtel_ccp.ir_cron_fetch_recordings"
EXTENSIONS = {
    "audio/wav": "wav",
    "audio/mpeg": "mp3",
    "audio/ogg": "ogg",
    "audio/mp4": "m4a",
    "audio/amr": "amr",
    "audio/flac": "flac",
}


def _origin_of(url):
    """Return scheme, host and port of an address."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


class CcpCall(models.Model):
    """The recording of a call: fetched from Airtel once it is ready, and opened for listeners."""

    _inherit = "ccp.call"

    @api.depends("flow_id")
    def _compute_recorded(self):
        for call in self:
            call.recorded = bool(call.flow_id) and call.flow_id._is_recorded()

    # Who may listen, and to what

    @api.model
    def _may_listen(self):
        """Return whether the current user may listen to the recordings of readable calls.

        :rtype: bool
        """
        return self.env.user.has_group("airtel_ccp.group_ccp_listen")

    @api.model
    def _check_listener(self, is_download):
        """Check that the current user may listen to recordings, or download them.

        :param bool is_download: whether the user asks for a file
        :raise AccessError: with a sentence for the user
        """
        if not self._may_listen():
            raise AccessError(
                self.env._(
                    "You may not listen to recordings: ask your administrator for the right "
                    "“Airtel recordings”."
                )
            )
        if is_download and not self.env.user.has_group("airtel_ccp.group_ccp_download"):
            raise AccessError(
                self.env._(
                    "You may listen to recordings but not download them: ask your administrator "
                    "for the right “Airtel recordings: Listen and Download”."
                )
            )

    def _recording_source(self):
        """Return the source from which this call's recording can be played.

        :return: ``stored`` (our own copy), ``airtel`` (not fetched yet), ``deleted`` or ``none``
        :rtype: str
        """
        if self.recording_state == "stored" and self.recording_id:
            return "stored"
        if self.recording_state == "pending":
            return "airtel"
        return "deleted" if self.recording_state in ("deleted", "erased") else "none"

    def _absence_sentence(self):
        """Return the sentence that says why nothing can be played; see ``_recording_source``.

        :rtype: str
        """
        _ = self.env._
        if self.erased:
            return _("The data of this call were erased on request.")
        return {
            "missing": _("Airtel did not deliver a recording of this call."),
            "deleted": _(
                "The recording was deleted: your company keeps recordings for a limited time."
            ),
            "erased": _("The recording was erased, because the customer asked for it."),
        }.get(self.recording_state) or _("This call was not recorded.")

    @api.model
    def _fetch_sentence(self, reason):
        """Return the sentence that says why a recording could not be fetched.

        :param str reason: see ``ccp.safe.download.RecordingError``
        :rtype: str
        """
        _ = self.env._
        sentences = {
            "forbidden_host": _(
                "The recording lies on a host that is not allowed: an administrator can add it "
                "in Settings > Airtel CCP."
            ),
            "private_address": _(
                "The recording's host leads to a private address, from which nothing is fetched."
            ),
            "not_ready": _("Airtel is still preparing the recording."),
            "too_large": _("The recording is too large to be kept."),
            "not_audio": _("Airtel delivered something that is not a recording."),
            "timeout": _("Airtel took too long to deliver the recording."),
        }
        return sentences.get(reason) or _("Airtel did not deliver the recording.")

    def _recording_file_name(self, content_type):
        """Return the file name of this call's recording, without a person's name or number.

        :param str content_type: the sound's type
        :rtype: str
        """
        return f"call-{self.id}.{EXTENSIONS.get(content_type, 'audio')}"

    # At Airtel

    def _recording_changes(self, story):
        """Return what this call's reports change about its recording.

        The caller that writes a recording's address wakes the scheduled action that fetches it.

        :param ccp.call.timeline.Timeline story: the call's timeline
        :rtype: dict
        """
        if self.recording_state in ("stored", "deleted", "erased"):
            return {}
        if story.recording_url and not self.recorded:
            _logger.warning("Call %s: Airtel recorded it unasked; it is not fetched", self.id)
            return {"recording_state": "none"}
        if story.recording_url:
            if self.recording_url == story.recording_url:
                return {}
            return {
                "recording_state": "pending",
                "recording_url": story.recording_url,
                "recording_next_date": fields.Datetime.now(),
                "recording_tries": 0,
            }
        if self.recording_state == "missing":
            return {}
        promised = self.recorded and story.result == "connected" and story.has_cdr
        return {"recording_state": "missing" if promised else "none"}

    def _recording_hosts(self):
        """Return the hosts from which this call's recording may come.

        :rtype: ccp.safe.download.HostList
        """
        company = self.company_id.sudo()
        hosts = company.ccp_recording_hosts or ""
        if self.trial:
            hosts = _origin_of(company.ccp_trial_url or const.SANDBOX_URL)
        return download.HostList(hosts)

    def _open_recording(self, range_header=None):
        """Open this call's pending recording at Airtel.

        :param str | None range_header: a Range header to pass on
        :return: a context manager, see ``ccp.safe.download.open_recording``
        :raise ccp.safe.download.RecordingError: if Airtel does not deliver it
        """
        call = self.sudo()
        return download.open_recording(
            call.recording_url,
            call._recording_hosts(),
            max_bytes=download.MAX_BYTES,
            total_seconds=MAX_SECONDS,
            range_header=range_header,
        )

    # Fetching

    @api.model
    def _cron_fetch_recordings(self):
        """Fetch the recordings that are due; pauses between tries grow."""

        def fetch_some():
            calls = self._lease_recordings()
            for call in calls:
                call._fetch_recording()
            return len(calls), self.search_count(self._recordings_to_fetch())

        take_turns(self, fetch_some, FETCH_ACTION)

    @api.model
    def _recordings_to_fetch(self):
        """Return the domain of the calls whose recording is to be fetched now."""
        return [("recording_next_date", "<=", fields.Datetime.now())]

    @api.model
    def _lease_recordings(self):
        """Take the next calls whose recording is due, and commit that they are taken.

        A lease instead of a lock: a download may take minutes, and reports of the same call must
        be folded meanwhile.

        :return: ``ccp.call`` records
        """
        calls = self.search(self._recordings_to_fetch(), limit=FETCH_BATCH)
        calls = calls.try_lock_for_update(allow_referencing=True)
        calls.recording_next_date = fields.Datetime.now() + LEASE
        self.env["ir.cron"]._commit_progress(remaining=len(calls))
        return calls

    def _fetch_recording(self):
        """Fetch this call's recording, or note why not and when to try again; commit it.

        The result of the download is written in a transaction that begins after it. One that began
        before would conflict with every report that was folded meanwhile.
        """
        with TemporaryFile() as file:
            try:
                with self._open_recording() as answer:
                    for chunk in answer.iter_chunks():
                        file.write(chunk)
            except download.RecordingError as error:
                self._note_download(functools.partial(self._postpone_recording, error.reason))
                return
            file.flush()
            # Mapped instead of read: a long recording must not fill the worker's memory
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                self._note_download(
                    functools.partial(self._store_recording, content, answer.content_type)
                )

    def _note_download(self, write):
        """Write the result of a download, unless the recording is not wanted any more.

        :param write: called without arguments, may run more than once
        """
        self.env["ir.cron"]._commit_progress()

        def write_once():
            locked = self.try_lock_for_update(allow_referencing=True)
            if not locked:
                # Another transaction holds the call, or it was deleted meanwhile
                return 0, len(self.exists())
            locked.invalidate_recordset()
            if locked.recording_state == "pending":
                write()
            return 0, 0

        take_turns(self, write_once, FETCH_ACTION)

    def _postpone_recording(self, reason):
        """Plan the next try, or give up after the last one.

        :param str reason: see ``ccp.safe.download.RecordingError``
        """
        tries = self.recording_tries
        _logger.info("Call %s: its recording was not fetched (%s)", self.id, reason)
        values = {"recording_tries": tries + 1, "recording_error": self._fetch_sentence(reason)}
        if tries < len(PAUSES):
            moment = fields.Datetime.now() + PAUSES[tries]
            values["recording_next_date"] = moment
            self.env.ref(FETCH_ACTION)._trigger(moment)
        else:
            values.update(recording_state="missing", recording_next_date=False)
        self.write(values)
        self._fold()

    def _store_recording(self, content, content_type):
        """Store this call's recording, and delete its address, which lets anybody listen.

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
        self.write(
            {
                "recording_state": "stored",
                "recording_id": attachment.id,
                "recording_url": False,
                "recording_next_date": False,
                "recording_error": False,
            }
        )
        self.event_ids._forget_url(url)
        self._fold()
