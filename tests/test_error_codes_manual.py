import re
from pathlib import Path

from odoo.tests import TransactionCase, tagged

from ..ccp.airtel import const


@tagged("post_install", "-at_install")
class TestManual(TransactionCase):
    """The table of codes in the administrator's manual says what the code says."""

    WORDS = {
        const.ADMINISTRATOR: "you",
        const.AGENT: "the rep",
        const.AIRTEL: "Airtel",
        const.SERVER: "the person who runs the server",
        "": "nobody",
    }

    def test_codes(self):
        manual = Path(__file__).parents[1] / "docs" / "administrator.md"
        section = manual.read_text(encoding="utf-8").split("## When a call is not placed")[1]
        section = section.split("\n## ")[0]
        said = {}
        for codes, who in re.findall(r"^\| (`.+?) \| (.+?) \|$", section, re.MULTILINE):
            for code in re.findall(r"`([A-Z0-9_]+)`", codes):
                self.assertNotIn(code, said, "one row for a code")
                said[code] = who
        known = {*const.ERROR_CODES, *const.OWN_CODES}
        known |= {f"HTTP_{status}" for status in const.STATUSES}
        self.assertEqual(set(said), known)
        for code, who in said.items():
            with self.subTest(code):
                about = const.about(code)
                if about == "unconfirmed":
                    self.assertIn("not confirmed", who)
                else:
                    self.assertTrue(who.startswith(self.WORDS[const.ABOUT[about].turn]), who)
