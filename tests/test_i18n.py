import os
import re
import sys
from pathlib import Path

import polib

from odoo.tests import BaseCase, HttpCase, tagged
from odoo.tests.common import get_db_name
from odoo.tools import config

ROOT = Path(__file__).parent.parent
LANGUAGES = sorted(ROOT.glob("i18n/*.po"))
# What a translation must hold as often as its source
PLACEHOLDER = re.compile(r"%\(\w+\)s|%[sd]|\$\{[^}]*\}|</?\w+")


@tagged("post_install", "-at_install")
class TestTemplate(BaseCase):
    """The template names every term of the code, and each translation is whole."""

    def test_template_is_complete(self):
        try:
            from ..devtools.quality.terms import export
        except ImportError:
            self.skipTest("this copy of the addon comes without the developer tools")
        odoo = [sys.executable, "-c", "from odoo.cli import main; main()"]
        text = export(odoo, Path(config.rcfile), ROOT.resolve(), get_db_name(), os.environ)
        now = {entry.msgid for entry in polib.pofile(text)}
        stored = {entry.msgid for entry in polib.pofile(str(ROOT / "i18n" / "airtel_ccp.pot"))}
        self.assertTrue(now)
        self.assertFalse(now - stored, "missing in the template: run make i18n")
        self.assertFalse(stored - now, "no longer in the code: run make i18n")

    def test_translations_are_whole(self):
        terms = {entry.msgid for entry in polib.pofile(str(ROOT / "i18n" / "airtel_ccp.pot"))}
        self.assertIn("hi", [file.stem for file in LANGUAGES])
        for file in LANGUAGES:
            catalog = polib.pofile(str(file))
            self.assertEqual({entry.msgid for entry in catalog}, terms, "run make i18n")
            for entry in catalog:
                with self.subTest(entry.msgid[:60], language=file.stem):
                    self.assertTrue(entry.msgstr.strip())
                    self.assertFalse(entry.fuzzy)
                    self.assertEqual(
                        sorted(PLACEHOLDER.findall(entry.msgid)),
                        sorted(PLACEHOLDER.findall(entry.msgstr)),
                    )


@tagged("post_install", "-at_install")
class TestHindi(HttpCase):
    """A user with Hindi gets Hindi: from Python, from views and in the browser."""

    def test_everywhere(self):
        known = {entry.msgid: entry.msgstr for entry in polib.pofile(str(ROOT / "i18n" / "hi.po"))}
        self.env["res.lang"]._activate_lang("hi_IN")
        self.env["ir.module.module"].search([("name", "=", "airtel_ccp")])._update_translations(
            ["hi_IN"]
        )
        hindi = self.env(context={"lang": "hi_IN"})
        self.assertEqual(
            hindi["ccp.dialer"]._line_busy_sentence(),
            known["A call of yours is just being placed: finish it first."],
        )
        self.assertEqual(
            hindi["ccp.call"].fields_get(["talk_time"])["talk_time"]["string"], known["Talk time"]
        )
        arch = hindi["ccp.setup"].get_view(view_type="form")["arch"]
        self.assertIn(known["Try it without an account"], arch)
        answer = self.url_open("/web/webclient/translations?lang=hi_IN&mods=airtel_ccp").json()
        messages = answer["modules"]["airtel_ccp"]["messages"]
        term = "The connection is lost."
        told = {each["id"]: each["string"] for each in messages}
        self.assertEqual(told[term], known[term])
