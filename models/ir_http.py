import logging

from odoo import models
from odoo.http import request

_logger = logging.getLogger(__name__)

# The key under which a request keeps work for after its answer; it outlives a retry
LATER = "airtel_ccp.after_answer"


def after_answer(do):
    """Do something after the browser has its answer; at once if no browser waits for one.

    It is lost when the request fails or the process ends before, so something else must make up
    for it later.

    :param do: called without arguments, and without a request; opens a cursor of its own
    """
    if request:
        request.httprequest.environ.setdefault(LATER, []).append(do)
    else:
        do()


def _do_all(waiting):
    while waiting:
        try:
            waiting.pop(0)()
        except Exception:  # noqa: BLE001 - the answer is out, there is nobody else to tell
            _logger.exception("Something that waited for an answer to be out failed")


class IrHttp(models.AbstractModel):
    """Adds the user's calling rights to the browser's session, and runs work after an answer."""

    _inherit = "ir.http"

    @classmethod
    def _post_dispatch(cls, response):
        result = super()._post_dispatch(response)
        if waiting := request.httprequest.environ.get(LATER):
            response.call_on_close(lambda: _do_all(waiting))
        return result

    def session_info(self):
        """Add ``airtel_ccp`` for users with rights to calls; for others, nothing.

        :rtype: dict
        """
        info = super().session_info()
        user = self.env.user
        if user._is_internal():
            rights = {
                "can_call": user.has_group("airtel_ccp.group_ccp_user"),
                "can_listen": user.has_group("airtel_ccp.group_ccp_listen"),
                "can_download": user.has_group("airtel_ccp.group_ccp_download"),
            }
            if user.has_group("base.group_system"):
                rights["setup_needed"] = not self.env.company._ccp_is_set_up()
            if any(rights.values()):
                info["airtel_ccp"] = rights
        return info
