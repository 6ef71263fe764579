import os
import unittest
from pathlib import Path

from odoo.tests import BaseCase, tagged

from ...sandbox.server import Sandbox
from ..common import LONG
from .browsers import browsers
from .server import LiveServer, LiveSetup, wait_for

AIRTEL_NUMBER = "8000000009"
DESK = "7000000999"
CUSTOMER = "7000000101"
STRANGER = "7000000555"
# A contact of nobody in particular
NEHA = "7000000444"
CARD = ".o_airtel_ccp_incoming_card"
MESSAGE = ".o_airtel_ccp_incoming_message"
PANEL = ".o_airtel_ccp_panel"
NOTE = f"{PANEL} .o_airtel_ccp_note"


def set_up_number(server, sandbox, setup):
    """Let customers call a number of the company, whose team are Asha and Ravi, at any hour."""
    with server.env() as env:
        company = env.company
        hours = env["resource.calendar"].create({"name": "Always", "tz": "UTC"})
        hours.attendance_ids.unlink()
        hours.attendance_ids = [
            (
                0,
                0,
                {
                    "name": str(day),
                    "dayofweek": str(day),
                    "hour_from": 0,
                    "hour_to": 24,
                    "day_period": "morning",
                },
            )
            for day in range(7)
        ]
        company.resource_calendar_id = hours
        people = env["res.users"].search([("login", "in", ("rep", "other_rep"))])
        team = env["crm.team"].create({"name": "North", "member_ids": [(6, 0, people.ids)]})
        env["ccp.call.flow"].create(
            {
                "name": "Sales line",
                "code": "INBOUND-FLOW",
                "call_type": "INBOUND",
                "caller_number": AIRTEL_NUMBER,
                "desk_number": DESK,
                "ring_team_id": team.id,
                "ring_strategy": "SEQUENTIAL",
                "company_id": company.id,
            }
        )
        sandbox.set_number(
            AIRTEL_NUMBER,
            route_url=f"{server.url}/airtel_ccp/route/{company.ccp_route_token}",
            notify_url=f"{server.url}/airtel_ccp/webhook/{company.ccp_webhook_token}",
        )


@unittest.skipUnless(LONG, "three browsers at once take minutes")
@tagged("post_install", "-at_install")
class TestIncomingBrowsers(BaseCase):
    """A customer calls; Asha, Ravi and their manager look at their screens."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.sandbox = cls.enterClassContext(Sandbox(port=0, speed=3))
        cls.server = cls.enterClassContext(LiveServer())
        cls.setup = LiveSetup(cls.server, cls.sandbox)
        set_up_number(cls.server, cls.sandbox, cls.setup)
        with cls.server.env() as env:
            values = {
                "name": "Neha Rao",
                "phone": f"+91 {NEHA}",
                "country_id": env.ref("base.in").id,
            }
            cls.neha_id = env["res.partner"].create(values).id

    def picture(self, browser, name):
        """Keep a picture of a browser, if somebody asked for pictures."""
        if folder := os.environ.get("AIRTEL_CCP_PICTURES"):
            browser.screenshot(Path(folder) / f"{name}.png")

    def ring(self, script, customer=CUSTOMER):
        return self.sandbox.ring(customer, AIRTEL_NUMBER, script=script)

    def test_three_screens(self):
        with browsers(self.server, "rep", "other_rep", "ccp_manager") as (asha, ravi, meera):
            for browser in (asha, ravi, meera):
                browser.open()
            self._second_answers(asha, ravi, meera)
            self._nobody_answers(asha, ravi, meera)
            self._half_written_note(asha)
            self._unknown_number(asha)

    def _second_answers(self, asha, ravi, meera):
        """Asha's screen pops up, she does not pick up, Ravi does."""
        self.ring("second_answers")
        asha.wait_for(CARD, "who calls", "Priya Sharma")
        asha.wait_for(CARD, "why it comes to her", "You own Autumn collection")
        asha.wait_for(MESSAGE, "that it rings at her", "Your phone is ringing")
        self.picture(asha, "incoming_popup")
        ravi.wait_for(MESSAGE, "that it rings at Asha", "Ringing Asha Rep")
        self.assertIsNone(meera.text(CARD), "it does not ring the manager")
        ravi.wait_for(MESSAGE, "that it rings at him", "Your phone is ringing (2 of 2)")
        self.picture(ravi, "incoming_ringing")
        ravi.wait_for(f"{PANEL}[data-state=in_call] h2", "the call in his panel", "Priya Sharma")
        asha.wait_for(MESSAGE, "that Ravi took the call", "Ravi Rep took the call")
        ravi.wait_for(f"{PANEL}[data-state=ended]", "that it is over")
        ravi.type(NOTE, "Wants linen")
        ravi.click(f"{PANEL} .o_airtel_ccp_outcome[data-outcome]")
        wait_for(
            lambda: self.server.query("SELECT 1 FROM ccp_call WHERE note = 'Wants linen'"),
            "his note",
        )
        ravi.click(f"{PANEL} .o_airtel_ccp_close")

    def _nobody_answers(self, asha, ravi, meera):
        """Nobody picks up: a call-back appears at both, Ravi takes it and calls."""
        self.ring("nobody_answers", NEHA)
        asha.wait_for(CARD, "who calls", "Neha Rao")
        asha.wait_for(MESSAGE, "that she missed it", "You missed this call")
        self.picture(asha, "incoming_missed")
        for browser in (asha, ravi):
            browser.wait_for(".o_airtel_ccp_callbacks", "that a call-back waits", "1")
        ravi.click(".o_airtel_ccp_incoming_toggle")
        self.picture(ravi, "incoming_menu")
        ravi.click(".o_airtel_ccp_open_callbacks")
        ravi.wait_for(".o_action_manager", "the call-back", "Neha Rao")
        self.picture(ravi, "callbacks")
        session = self.server.login("other_rep")
        (callback,) = session.call("ccp.callback", "search", [("state", "=", "open")])
        session.call("ccp.callback", "action_take", [callback])
        placed = session.call("ccp.call", "place", "res.partner", self.neha_id, "phone")
        wait_for(
            lambda: (
                (
                    session.call("ccp.callback", "read", [callback], ["closed_by_id"])[0][
                        "closed_by_id"
                    ]
                    or [0]
                )[0]
                == placed["call_id"]
            ),
            "the call-back to be closed, with the call as its proof",
        )
        for browser in (asha, ravi):
            browser.wait_for("body:not(:has(.o_airtel_ccp_callbacks))", "that none waits any more")

    def _half_written_note(self, asha):
        """A call comes in while Asha writes about another one: nothing that she typed is lost."""
        session = self.server.login("rep")
        session.call("ccp.call", "place", "crm.lead", self.setup.lead_id, "phone")
        asha.wait_for(f"{PANEL}[data-state=ended]", "that her own call is over")
        asha.type(NOTE, "He wants lin")
        self.ring("first_answers")
        asha.wait_for(f"{PANEL} {MESSAGE}", "that it rings at her", "Your phone is ringing")
        self.picture(asha, "incoming_second_strip")
        asha.wait_for(f"{PANEL} {MESSAGE}", "that she talks", "You are talking")
        value = asha.evaluate(f"document.querySelector('{NOTE}').value")
        self.assertEqual(value, "He wants lin")
        asha.type(NOTE, "en")
        asha.click(".o_airtel_ccp_incoming_show")
        asha.wait_for(f"{PANEL}[data-state=in_call]", "the new call in its place")
        wait_for(
            lambda: self.server.query("SELECT 1 FROM ccp_call WHERE note = 'He wants linen'"),
            "what she typed",
        )
        asha.wait_for(f"{PANEL}[data-state=ended]", "that it is over")
        asha.click(f"{PANEL} .o_airtel_ccp_close")

    def _unknown_number(self, asha):
        """An unknown number becomes a lead by a click, while it rings."""
        # Whoever of the team rings first takes it otherwise
        self.ring("nobody_answers", STRANGER)
        asha.wait_for("body", "an unknown number", "Unknown number")
        self.picture(asha, "incoming_unknown")
        wait_for(
            lambda: (
                asha.evaluate("document.querySelector('.o_airtel_ccp_new_lead')?.click(), 1")
                and self.server.query(
                    "SELECT 1 FROM crm_lead WHERE phone LIKE %s", f"%{STRANGER[-5:]}"
                )
            ),
            "a lead",
        )
        asha.wait_for(".o_action_manager .o_form_view", "the lead's form")
        asha.wait_for(f"body:not(:has(.modal)) {CARD}", "the call beside it")
        self.picture(asha, "incoming_new_lead")
