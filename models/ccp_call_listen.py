from datetime import timedelta

from odoo import api, fields, models

from .system_made import SystemMade

# A browser requests the beginning more than once before it plays
SAME_START = timedelta(seconds=30)
# How long requests for later parts belong to the listen that began last
SAME_LISTEN = timedelta(hours=4)


class CcpCallListen(SystemMade, models.Model):
    """Who heard or downloaded the recording of a call, and when; nobody can change these rows."""

    _name = "ccp.call.listen"
    _description = "Listen to an Airtel Recording"
    _order = "id desc"
    _rec_name = "user_id"

    call_id = fields.Many2one(
        "ccp.call", readonly=True, required=True, ondelete="cascade", index=True
    )
    user_id = fields.Many2one(
        "res.users", readonly=True, required=True, index=True, ondelete="restrict"
    )
    kind = fields.Selection(
        [("listen", "Listened"), ("download", "Downloaded")],
        "Action",
        readonly=True,
        required=True,
    )
    date = fields.Datetime(readonly=True, required=True, default=fields.Datetime.now)

    @api.model
    def _note(self, call, kind, is_start):
        """Log that the current user gets a recording, once for each time it is played.

        A player requests a recording in many parts. A part from the middle belongs to the listen
        that began within the last hours; if there is none, it begins one.

        :param call: one ``ccp.call``
        :param str kind: ``listen`` or ``download``
        :param bool is_start: whether the request asks for the beginning
        """
        since = fields.Datetime.now() - (SAME_START if is_start else SAME_LISTEN)
        listens = self.sudo()
        known = listens.search_count(
            [
                ("call_id", "=", call.id),
                ("user_id", "=", self.env.uid),
                ("kind", "=", kind),
                ("date", ">=", since),
            ],
            limit=1,
        )
        if not known:
            listens.create({"call_id": call.id, "user_id": self.env.uid, "kind": kind})
