import re
from pathlib import Path

import polib

from odoo.tests import BaseCase, HttpCase, tagged

ROOT = Path(__file__).parent.parent
LANGUAGES = sorted(ROOT.glob("i18n/*.po"))
# What a translation must hold as often as its source
PLACEHOLDER = re.compile(r"%\(\w+\)s|%[sd]|\$\{[^}]*\}|</?\w+")


@tagged("post_install", "-at_install")
class TestTranslations(BaseCase):
    """Each translation has every term of the template."""

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
            known["Your previous call is still being placed: finish it first."],
        )
        self.assertEqual(
            hindi["ccp.call"].fields_get(["talk_time"])["talk_time"]["string"], known["Talk time"]
        )
        arch = hindi["ccp.setup"].get_view(view_type="form")["arch"]
        self.assertIn(known["Try it without an account"], arch)
        answer = self.url_open("/web/webclient/translations?lang=hi_IN&mods=airtel_ccp").json()
        messages = answer["modules"]["airtel_ccp"]["messages"]
        term = "The connection is lost."
        sent = {each["id"]: each["string"] for each in messages}
        self.assertEqual(sent[term], known[term])
