import random

from markupsafe import Markup

from odoo.tests import tagged

from odoo.addons.mail.tools.discuss import Store

from ..models.ccp_card import clean_card
from .common import CcpCase
from .test_injection import STRINGS

# Where Odoo's sanitizer makes something of a text, or a parser might
ODD_TEXTS = (
    "-- \nRegards",
    "--",
    "x\n> quoted\n>> twice",
    "x\n&gt; quoted",
    "data:image/png;base64,AAAA'",
    'data:image/png;base64,AAAA"',
    "a\N{NO-BREAK SPACE}b",
    "a\rb\tc\x0bd\x7fe\x85f",
    "\N{ZERO WIDTH SPACE}\N{RIGHT-TO-LEFT OVERRIDE}x",
    "&amp; &lt;b&gt; &#39; &quot; &copy; &nope;",
    "--!> <!--> </o:p> <o:p>",
    '<a encoding="x" >',
    "<br/>-- ",
    'style="min-width: 3rem"',
    "</div></div><div class='mb-1'>",
    "]]> <?php ?> <![CDATA[x",
    "\ufffd \ue000 \U0001f600 \U000e0041",
    " ",
)


@tagged("post_install", "-at_install")
class TestCleanCard(CcpCase):
    """What passes by Odoo's sanitizer is what it would have returned."""

    def sanitized(self, body):
        messages = self.env["mail.message"]
        return messages._fields["body"].convert_to_cache(body, messages)

    def check(self, body):
        """Check one card; return whether the sanitizer is spared it."""
        clean = clean_card(body)
        if clean is not None:
            self.assertEqual(clean, self.sanitized(body))
            self.assertEqual(clean, self.sanitized(clean), "nothing is left to clean")
        return clean is not None

    def card(self, text):
        """Return a card in which a text stands wherever one from outside can."""
        call = self.call
        call.customer_name = text
        self.rep.partner_id.name = text.strip() or "x"
        return self.env["ccp.card"]._card_html(call, self.env["ccp.folder"]._timeline(call))

    def tell(self, text):
        self.report(
            self.call,
            self.event("CalledNumber", "A", 1),
            self.event("Answer", "A", 2),
            self.event("CalledNumber", "B", 3),
            self.event("Disconnected", "B", 4, causeCode="16", causeCodeDescription=text),
            {"requestMessageType": "x", "responseType": "ERROR", "errorMessage": text},
            self.event(text, "A", 5),
            fold=False,
        )
        self.env.flush_all()
        self.call.invalidate_recordset()

    def test_ordinary_cards_are_spared(self):
        self.call = self.make_call(live=False, customer_name="Asha O'Neil & Sons <क>")
        self.report(self.call, *self.connected())
        self.report(self.call, self.cdr())
        self.assertTrue(self.check(self.card("Asha O'Neil & Sons <क>")))
        message = self.call.card_message_ids[:1]
        message.invalidate_recordset()
        self.assertIn("O'Neil &amp; Sons &lt;क&gt;", message.body)

    def test_hostile_texts(self):
        spared = 0
        for text in (*STRINGS, *ODD_TEXTS):
            with self.subTest(text=text):
                self.call = self.make_call(live=False)
                self.tell(text)
                spared += self.check(self.card(text))
        self.assertGreater(spared, len(STRINGS) / 2)

    def test_random_texts(self):
        rng = random.Random(7)
        self.call = self.make_call(live=False)
        parts = [*"<>&;'\"-=/\n\r\t \\", "&#39;", "&gt;", "--", "\n>", "<br>", "style=", "base64"]
        for _time in range(400):
            text = "".join(
                rng.choice(parts) if rng.random() < 0.5 else chr(rng.randrange(1, 0xD800))
                for _part in range(rng.randrange(1, 30))
            )
            with self.subTest(text=text):
                self.check(self.card(text))

    def test_every_character(self):
        template = Markup('<div class="o_airtel_ccp_card"><strong>{}</strong></div>')
        known = [*range(1, 0xD800), *range(0xE000, 0x30000, 7)]
        for start in range(0, len(known), 64):
            some = "".join(map(chr, known[start : start + 64]))
            self.check(template.format(some))
            self.check(template.format("".join(filter(str.isprintable, some))))

    def test_what_the_card_does_not_write_is_not_spared(self):
        for inside in (
            "<script>x</script>",
            "<img src=x onerror=x>",
            "<span onclick=x>x</span>",
            '<span class="text-muted" onclick="x">x</span>',
            '<div class="gmail_quote">x</div>',
            '<a class="o_airtel_ccp_listen" href="javascript:x" target="_blank">x</a>',
            "<b>x</b>",
            "<STRONG>x</STRONG>",
            "<!-- x -->",
            "<span",
            "x > y",
            "< script>",
            "&copy; &nope",
        ):
            with self.subTest(inside=inside):
                body = Markup('<div class="o_airtel_ccp_card">%s</div>')
                self.assertIsNone(clean_card(body % Markup(inside)))
                self.check(body % inside)

    def test_messages_keep_what_hostile_reports_say_as_text(self):
        self.call = self.make_call(live=False)
        for text in STRINGS[:10]:
            self.report(self.call, self.event(text, "A", 1))
        message = self.call.card_message_ids[:1]
        message.flush_recordset()
        message.invalidate_recordset()
        self.assertEqual(message.body, self.sanitized(message.body))
        self.assertNotIn("<script", message.body)
        self.assertNotIn("<img", message.body)


@tagged("post_install", "-at_install")
class TestStoreData(CcpCase):
    """What agents' messages share is worked out once, and told with each call."""

    def expected(self, call):
        """Return a call's messages as Odoo's own store tells them, for this call alone."""
        store = Store(bus_channel=call.user_id)
        store.add(
            call.sudo().card_message_ids,
            [
                Store.One("author_id", ["avatar_128", "name"], sudo=True),
                "body",
                "date",
                "message_type",
                "model",
                "res_id",
                Store.One("subtype_id", ["description"], sudo=True),
                Store.One("thread", [], as_thread=True),
            ],
        )
        return store.get_result()

    def test_each_call_is_told_as_if_alone(self):
        calls = self.env["ccp.call"].union(
            *(
                self.make_call(live=False, user_id=user.id)
                for user in (self.rep, self.other_rep, self.rep, self.rep, self.rep)
            )
        )
        for call in calls:
            self.report(call, *self.connected())
        # As after a merge of contacts, or the removal of one
        calls[2].card_message_ids[:1].sudo().author_id = self.other_rep.partner_id
        calls[3].card_message_ids[:1].sudo().author_id = False
        calls[4].card_message_ids[:1].sudo().subtype_id = self.env.ref("mail.mt_comment")
        messages = {call: call.card_message_ids for call in calls}
        nothing = self.make_call(live=False)
        messages[nothing] = nothing.card_message_ids
        found = self.env["ccp.card"]._store_data_each(messages)
        self.assertEqual(found, {call: self.expected(call) for call in calls})
        for call in calls:
            self.assertEqual(list(found[call]), list(self.expected(call)))
