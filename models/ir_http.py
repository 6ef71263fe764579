import logging

from odoo import models
from odoo.http import request

_logger = logging.getLogger(__name__)

# Where a request keeps what is to be done after its answer, which outlives a replay
LATER = "airtel_ccp.after_answer"


def after_answer(do):
    """Do something once the browser has its answer; at once where no browser waits for one.

    It is lost when the request fails or the process ends meanwhile, so it has to be something that
    somebody else makes up for.

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
    """Tells the browser at start-up what the user may do; has work done after an answer."""

    _inherit = "ir.http"

    @classmethod
    def _post_dispatch(cls, response):
        result = super()._post_dispatch(response)
        if waiting := request.httprequest.environ.get(LATER):
            response.call_on_close(lambda: _do_all(waiting))
        return result

    def session_info(self):
        """Add ``airtel_ccp`` for users with rights to calls; others get nothing more.

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
