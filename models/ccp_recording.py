import functools
import logging
import mmap
from datetime import timedelta
from tempfile import TemporaryFile
from urllib.parse import urlsplit

from odoo import api, fields, models
from odoo.exceptions import AccessError

from ..ccp import const, recording
from .contention import take_turns
from .ir_attachment import RECORDING_FIELD

_logger = logging.getLogger(__name__)

MAX_BYTES = 200 * 1024 * 1024
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


class CcpRecording(models.AbstractModel):
    """Fetches recordings from Airtel once they are ready, and opens them for those who may."""

    _name = "ccp.recording"
    _description = "Fetches call recordings"

    @api.model
    def _changes(self, call, story):
        """Return what a call's reports change about its recording.

        Who writes a recording's address wakes the scheduled action that fetches it.

        :param call: one ``ccp.call``
        :param ccp.timeline.Timeline story: what its reports say
        :rtype: dict
        """
        if call.recording_state in ("stored", "deleted", "erased"):
            return {}
        if story.recording_url and not call.recorded:
            _logger.warning("Call %s: Airtel recorded it unasked; it is not fetched", call.id)
            return {"recording_state": "none"}
        if story.recording_url:
            if call.recording_url == story.recording_url:
                return {}
            return {
                "recording_state": "pending",
                "recording_url": story.recording_url,
                "recording_next_date": fields.Datetime.now(),
                "recording_tries": 0,
            }
        if call.recording_state == "missing":
            return {}
        promised = call.recorded and story.result == "connected" and story.has_cdr
        return {"recording_state": "missing" if promised else "none"}

    @api.model
    def _may_listen(self):
        """Return whether the current user may hear the recordings of the calls that one may see.

        :rtype: bool
        """
        return self.env.user.has_group("airtel_ccp.group_ccp_listen")

    @api.model
    def _check_listener(self, is_download):
        """Check that the current user may hear recordings, or keep them as files.

        :param bool is_download: whether a file is asked for
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

    @api.model
    def _absence_sentence(self, call):
        """Say why there is nothing to hear.

        :param call: one ``ccp.call`` whose recording is neither stored nor pending
        :rtype: str
        """
        _ = self.env._
        if call.erased:
            return _("The data of this call were erased on request.")
        return {
            "missing": _("Airtel did not deliver a recording of this call."),
            "deleted": _(
                "The recording was deleted: your company keeps recordings for a limited time."
            ),
            "erased": _("The recording was erased, because the customer asked for it."),
        }.get(call.recording_state) or _("This call was not recorded.")

    @api.model
    def _file_name(self, call, content_type):
        """Return the name of a recording's file, which tells nobody's name or number.

        :rtype: str
        """
        return f"call-{call.id}.{EXTENSIONS.get(content_type, 'audio')}"

    @api.model
    def _hosts(self, call):
        """Return the hosts from which a call's recording may come.

        :param call: one ``ccp.call``, as superuser

        :rtype: ccp.recording.HostList
        """
        company = call.company_id
        hosts = company.sudo().ccp_recording_hosts or ""
        if call.trial:
            hosts = self._origin_of(company.sudo().ccp_trial_url or const.SANDBOX_URL)
        return recording.HostList(hosts)

    @api.model
    def _origin_of(self, url):
        """Return scheme, host and port of an address.

        :rtype: str
        """
        parts = urlsplit(url)
        return f"{parts.scheme}://{parts.netloc}"

    @api.model
    def _open(self, call, range_header=None):
        """Open a recording at Airtel.

        :param call: one ``ccp.call`` whose recording is pending
        :param str | None range_header: a Range header to pass on
        :return: a context manager, see ``ccp.recording.open_recording``
        :raise ccp.recording.RecordingError: when Airtel does not deliver it
        """
        call = call.sudo()
        return recording.open_recording(
            call.recording_url,
            self._hosts(call),
            max_bytes=MAX_BYTES,
            total_seconds=MAX_SECONDS,
            range_header=range_header,
        )

    @api.model
    def _cron_fetch(self):
        """Fetch the recordings that are due; pauses between tries grow."""

        def fetch_some():
            calls = self._lease()
            for call in calls:
                self._fetch(call)
            return len(calls), self.env["ccp.call"].search_count(self._due())

        take_turns(self, fetch_some, FETCH_ACTION)

    @api.model
    def _due(self):
        """Return the domain of the calls whose recording is to be fetched now."""
        return [("recording_next_date", "<=", fields.Datetime.now())]

    @api.model
    def _lease(self):
        """Take the next calls whose recording is due, and commit that they are taken.

        A lease instead of a lock: a download may take minutes, and reports of the same call must be
        folded meanwhile.

        :return: ``ccp.call`` records
        """
        calls = (
            self.env["ccp.call"]
            .search(self._due(), limit=FETCH_BATCH)
            .try_lock_for_update(allow_referencing=True)
        )
        calls.recording_next_date = fields.Datetime.now() + LEASE
        self.env["ir.cron"]._commit_progress(remaining=len(calls))
        return calls

    @api.model
    def _fetch(self, call):
        """Fetch one recording, or note why not and when to try again; commits it.

        What came of the download is written in a transaction that begins after it: one that began
        before would trip over every report that was folded meanwhile.
        """
        with TemporaryFile() as file:
            try:
                with self._open(call) as answer:
                    for chunk in answer.iter_chunks():
                        file.write(chunk)
            except recording.RecordingError as error:
                self._note(call, functools.partial(self._postpone, call, error.reason))
                return
            file.flush()
            # Mapped instead of read: a long recording must not fill the worker's memory
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                self._note(call, functools.partial(self._store, call, content, answer.content_type))

    @api.model
    def _note(self, call, write):
        """Write what came of a download, unless the recording is not wanted any more.

        :param call: one ``ccp.call``
        :param write: called without arguments, may run more than once
        """
        self.env["ir.cron"]._commit_progress()

        def write_once():
            locked = call.try_lock_for_update(allow_referencing=True)
            if not locked:
                # Somebody holds it, or it was deleted meanwhile
                return 0, len(call.exists())
            locked.invalidate_recordset()
            if locked.recording_state == "pending":
                write()
            return 0, 0

        take_turns(self, write_once, FETCH_ACTION)

    @api.model
    def _postpone(self, call, reason):
        """Plan the next try, or give up after the last one."""
        tries = call.recording_tries
        _logger.info("Call %s: its recording was not fetched (%s)", call.id, reason)
        values = {"recording_tries": tries + 1, "recording_error": self._sentence(reason)}
        if tries < len(PAUSES):
            moment = fields.Datetime.now() + PAUSES[tries]
            values["recording_next_date"] = moment
            self.env.ref(FETCH_ACTION)._trigger(moment)
        else:
            values.update(recording_state="missing", recording_next_date=False)
        call.write(values)
        call._fold()

    @api.model
    def _store(self, call, content, content_type):
        """Keep a recording, and forget the address that let anyone listen.

        :param call: one ``ccp.call``
        :param content: the sound, as bytes or anything that can be read like them
        :param str content_type: what it is
        """
        attachment = self.env["ir.attachment"].create(
            {
                "name": self._file_name(call, content_type),
                "raw": content,
                "mimetype": content_type,
                "res_model": "ccp.call",
                "res_id": call.id,
                "res_field": RECORDING_FIELD,
                "company_id": call.company_id.id,
            }
        )
        url = call.recording_url
        call.write(
            {
                "recording_state": "stored",
                "recording_id": attachment.id,
                "recording_url": False,
                "recording_next_date": False,
                "recording_error": False,
            }
        )
        call.event_ids._forget_url(url)
        call._fold()

    @api.model
    def _sentence(self, reason):
        """Say in words why a recording could not be fetched.

        :param str reason: see ``ccp.recording.RecordingError``
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
