import json

from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged

from odoo.addons.bus.models.bus import channel_with_db, json_dump
from odoo.addons.http_routing.tests.common import MockRequest

from ..models.ccp_call_live import CHANNEL
from .common import CONNECTS, CcpCase


@tagged("post_install", "-at_install")
class TestLiveView(CcpCase):
    def setUp(self):
        super().setUp()
        self.env["ccp.call"].search([]).unlink()
        self.leader = new_test_user(
            self.env,
            "ccp_leader",
            "sales_team.group_sale_salesman_all_leads,airtel_ccp.group_ccp_team_leader",
        )
        self.team = self.env["crm.team"].create({"name": "North", "user_id": self.leader.id})

    def live(self, user):
        return self.as_user(self.env["ccp.dashboard"], user).live()["calls"]

    def channels(self, user):
        """Return the channels that the user gets who asks for the live view's."""
        websocket = self.as_user(self.env["ir.websocket"], user)
        with MockRequest(websocket.env) as request:
            request.session.uid = user.id
            channels = websocket._build_bus_channel_list([CHANNEL])
        # Records, which others subscribe to, cannot be compared with a text
        return [channel for channel in channels if isinstance(channel, (str, tuple))]

    def test_state_follows_the_rights(self):
        call = self.make_call(team_id=self.team.id)
        other = self.make_call(user_id=self.other_rep.id)
        self.assertEqual([each["id"] for each in self.live(self.leader)], [call.id])
        self.assertEqual({each["id"] for each in self.live(self.manager)}, {call.id, other.id})
        for user in (self.rep, self.plain_user, self.portal_user):
            with self.subTest(user=user.login), self.assertRaises(AccessError):
                self.live(user)

    def test_numbers_are_masked(self):
        self.make_call()
        self.assertNotIn(CONNECTS, json.dumps(self.live(self.manager)))
        self.assertEqual(self.live(self.manager)[0]["agent"], self.rep.name)

    def test_colour_is_that_of_every_view(self):
        call = self.make_call(state="in_call")
        self.assertEqual((call.tone, self.live(self.manager)[0]["tone"]), ("success", "success"))

    def test_ended_calls_are_gone(self):
        self.make_call(state="ended", live=False, result="connected")
        self.assertEqual(self.live(self.manager), [])

    def test_who_may_subscribe(self):
        wanted = (self.env.company, CHANNEL)
        for user, allowed in (
            (self.leader, True),
            (self.manager, True),
            (self.rep, False),
            (self.plain_user, False),
        ):
            with self.subTest(user=user.login):
                channels = self.channels(user)
                self.assertEqual(wanted in channels, allowed)
                self.assertNotIn(CHANNEL, channels)

    def test_a_company_of_others_is_not_heard(self):
        other = self.env["res.company"].create({"name": "Elsewhere"})
        channels = self.channels(self.leader)
        self.assertNotIn((other, CHANNEL), channels)

    def test_a_change_is_told_once_and_without_data(self):
        call = self.make_call()
        other = self.make_call(user_id=self.other_rep.id)
        self.report(call, *self.connected(), fold=False)
        self.report(other, *self.connected(), fold=False)
        self.env.cr.precommit.data.pop(CHANNEL, None)
        self.env.cr.precommit.data.pop("bus.bus.values", None)
        (call | other)._fold()
        self.env.cr.precommit.run()
        channel = json_dump(channel_with_db(self.env.cr.dbname, (self.env.company, CHANNEL)))
        sent = self.env["bus.bus"].search([("channel", "=", channel)])
        self.assertEqual(
            [json.loads(message) for message in sent.mapped("message")],
            [{"type": CHANNEL, "payload": {}}],
        )
