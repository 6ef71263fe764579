import json

from odoo import models
from odoo.tools import SQL

from odoo.addons.mail.tools.web_push import PUSH_NOTIFICATION_TYPE

from .ccp_call_notify import BUS_MESSAGE

ICON = "/airtel_ccp/static/description/icon.png"
PUSH_ACTION = "mail.ir_cron_web_push_notification"


class CcpCall(models.Model):
    """Notifies the users whom a call is about to ring, before their phones ring."""

    _inherit = "ccp.call"

    def _announce_incoming(self, decisions):
        """Notify the users whom routing decisions ring, in open browsers and by web push.

        Nothing depends on it: a browser that missed it learns of the call from the call's reports,
        or when it asks. ``env.company`` is the company that is called. The caller commits.

        :param decisions: ``ccp.call.route.Decision`` objects: who is rung, and why
        """
        calls = self.browse().sudo().with_context(allowed_company_ids=[])
        everybody = calls._users_of_decisions(decisions)
        devices = calls._push_devices(everybody)
        for decision in decisions:
            rung = calls._among(everybody, decision)
            users = rung.filtered(lambda user: user.has_group("airtel_ccp.group_ccp_user"))
            panels = {
                user: calls._read_by(user)._decided_values(decision, user, rung) for user in users
            }
            for user, panel in panels.items():
                user._bus_send(BUS_MESSAGE, {"panel": panel, "card_ids": []})
            calls._push_incoming(decision, panels, devices)

    def _push_incoming(self, decision, panels, devices):
        """Queue Odoo's web push to the devices of the users whom a decision rings.

        Odoo's scheduled action sends it, because sending waits for servers of others.

        :param ccp.call.route.Decision decision: who is rung, and why
        :param dict panels: by ``res.users``: what the panel shows them, see ``_decided_values``
        :param devices: ``mail.push.device`` records, which may include other users' devices
        """
        company = self.env.company
        users = [user for user in panels if user.partner_id in devices.partner_id]
        payloads = {}
        for user in users:
            values = panels[user]
            # All companies of the user, not those chosen in a browser: the device may be a phone
            caller = (
                self.with_user(user)
                .with_context(lang=user.lang, allowed_company_ids=user.company_ids.ids)
                ._caller_of_decision(decision, company)
            )
            payloads[user.partner_id] = {
                "title": caller["customer"] or values["phone"] or self.env._("Incoming call"),
                "options": {
                    "body": "\n".join(filter(None, (values["message"], caller["reason_text"]))),
                    "icon": ICON,
                    "tag": decision.id,
                    "requireInteraction": True,
                    "data": {
                        "type": PUSH_NOTIFICATION_TYPE.CALL,
                        # A click opens this record; without one, the home page with the panel
                        "model": caller["res_model"] if caller["can_open"] else self._name,
                        "res_id": caller["res_id"] if caller["can_open"] else "",
                    },
                },
            }
        self._queue_push(devices, payloads)

    def _take_back_push(self):
        """Queue web pushes that close the notices of these calls: they were taken, or are over."""
        for call, decisions in self._decisions().items() if self else ():
            users = call._rung_users(decisions)
            devices = call._push_devices(users) if decisions else None
            if devices:
                payload = {
                    "title": "",
                    "options": {
                        "tag": decisions[0].id,
                        "data": {"type": PUSH_NOTIFICATION_TYPE.CANCEL},
                    },
                }
                call._queue_push(devices, dict.fromkeys(devices.partner_id, payload))

    def _push_devices(self, users):
        """Return the devices on which users get Odoo's web push.

        :param users: ``res.users`` records
        :return: ``mail.push.device`` records, as superuser
        :rtype: odoo.models.BaseModel
        """
        devices = self.env["mail.push.device"].sudo()
        if not users:
            return devices
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL(
                "SELECT id FROM mail_push_device WHERE partner_id = ANY(%s) ORDER BY id",
                users.sudo().partner_id.ids,
            )
        )
        return devices.browse([device_id for (device_id,) in rows])

    def _queue_push(self, devices, payloads):
        """Queue payloads that Odoo's scheduled action sends to devices.

        :param devices: ``mail.push.device`` records
        :param dict payloads: what is sent, by the device's ``res.partner``
        """
        rows = [
            {
                "mail_push_device_id": device.id,
                "payload": json.dumps(payloads[device.partner_id]),
            }
            for device in devices
            if device.partner_id in payloads
        ]
        if rows:
            self.env["mail.push"].sudo().create(rows)
            self.env.ref(PUSH_ACTION).sudo()._trigger()
