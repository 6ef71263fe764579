import logging

from odoo import api, fields, models
from odoo.exceptions import AccessError

_logger = logging.getLogger(__name__)

# Airtel has the recording, Odoo does not have it yet
TO_FETCH = ("pending", "at_airtel")
# Pressing play works
PLAYABLE = (*TO_FETCH, "stored")
EXTENSIONS = {
    "audio/wav": "wav",
    "audio/mpeg": "mp3",
    "audio/ogg": "ogg",
    "audio/mp4": "m4a",
    "audio/amr": "amr",
    "audio/flac": "flac",
}


class CcpCall(models.Model):
    """The recording of a call: who may listen to it, where it is, and the sentences about it."""

    _inherit = "ccp.call"

    recording_problem = fields.Char(
        "Recording problem",
        compute="_compute_recording_problem",
        compute_sudo=True,
        help="Why there is no recording yet, in the language of the person who reads it.",
    )

    @api.depends("recording_error", "recording_reason")
    @api.depends_context("lang")
    def _compute_recording_problem(self):
        for call in self:
            error, reason = call.recording_error, call.recording_reason
            # Calls from versions that stored no reason have only their stored sentence
            call.recording_problem = error and reason and call._fetch_sentence(reason) or error

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

        :return: ``stored`` (Odoo has it), ``airtel`` (not fetched yet), ``deleted`` or ``none``
        :rtype: str
        """
        if self.recording_state == "stored" and self.recording_id:
            return "stored"
        if self.recording_state in TO_FETCH:
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
    def _preparing_sentence(self):
        return self.env._(
            "The recording is being fetched from Airtel. If it does not start by itself, try again "
            "in a few seconds."
        )

    @api.model
    def _not_ready_sentence(self):
        return self.env._(
            "Airtel is still preparing the recording. If it does not start by itself, try again "
            "in a minute."
        )

    @api.model
    def _no_room_sentence(self):
        """Return the sentence for a listener if this server already serves as many as it can.

        :rtype: str
        """
        return self.env._(
            "Too many people are listening at the moment. If the recording does not start by "
            "itself, try again in a minute."
        )

    @api.model
    def _fetch_sentence(self, reason):
        """Return the sentence that says why a recording could not be fetched.

        :param str reason: see ``ccp.safe.download.RecordingError``
        :rtype: str
        """
        _ = self.env._
        sentences = {
            "forbidden_host": _(
                "The recording is on a host that is not allowed: an administrator can add the host "
                "in Settings > Airtel CCP."
            ),
            "private_address": _(
                "The recording's host has a private address, from which Odoo fetches nothing: an "
                "administrator can allow it in Settings > Airtel CCP, with scheme and port."
            ),
            "not_ready": _("Airtel is still preparing the recording."),
            "gone": _("Airtel has deleted the recording."),
            "too_large": _(
                "The recording is too large to be kept: an administrator can ask Airtel for it."
            ),
            "not_audio": _(
                "Airtel delivered something that is not a recording: an administrator can ask "
                "Airtel why."
            ),
            "timeout": _("Airtel took too long to deliver the recording: try again later."),
            "failed": _(
                "Odoo could not save the recording: an administrator can find the reason in the "
                "server's log."
            ),
        }
        return sentences.get(reason) or _(
            "Airtel did not deliver the recording: try again later, then ask your administrator."
        )

    def _recording_file_name(self, content_type):
        """Return the file name of this call's recording, without a person's name or number.

        :param str content_type: the sound's type
        :rtype: str
        """
        return f"call-{self.id}.{EXTENSIONS.get(content_type, 'audio')}"

    # At Airtel

    def _recording_changes(self, story):
        """Return what this call's reports change about its recording.

        The caller that writes a recording's address triggers the action that fetches it.

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
            keeps = self.company_id.sudo().ccp_keep_copies
            return {
                "recording_state": "pending" if keeps else "at_airtel",
                "recording_url": story.recording_url,
                "recording_next_date": keeps and fields.Datetime.now(),
                "recording_tries": 0,
                "recording_tried_date": False,
                "recording_reason": False,
            }
        if self.recording_state == "missing":
            return {}
        promised = self.recorded and story.result == "connected" and story.has_cdr
        return {"recording_state": "missing" if promised else "none"}
