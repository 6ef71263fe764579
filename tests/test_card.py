from contextlib import contextmanager
from unittest.mock import patch

from lxml import html

from odoo import Command, fields
from odoo.tests import HttpCase, new_test_user, tagged

from odoo.addons.mail.tools.discuss import Store

from .common import AGENT, CONNECTS, CcpCase
from .test_recording import wav

RECORDING = "https://x.airtel.in/ab+c"


class CardCase(CcpCase):
    """Reads chatter cards as the web client does."""

    def shown(self, record, user, **context):
        """Return what a user's chatter shows of the cards on a record, the newest first."""
        self.env.flush_all()
        self.env.invalidate_all()
        messages = record.with_user(user).with_context(lang=user.lang, **context).message_ids
        cards = messages.filtered(lambda each: "o_airtel_ccp_card" in (each.body or ""))
        told = Store().add(cards).get_result().get("mail.message", [])
        return [each["body"][1] for each in told]

    def card(self, record, user, **context):
        """Return the one card that a user sees on a record."""
        (card,) = self.shown(record, user, **context)
        return card

    def text(self, markup):
        return " ".join(html.fromstring(markup).text_content().split())

    def finished(self, **values):
        """Return a call that connected, with a recording that waits to be fetched."""
        call = self.make_call(live=False, **values)
        self.report(call, *self.connected())
        self.report(call, self.cdr(Recording=RECORDING))
        return call


@tagged("post_install", "-at_install")
class TestCard(CardCase):
    """One card for a call: what is stored of it, and what each reader sees."""

    def test_one_line_and_the_story_folded_below(self):
        self.finished()
        for record in (self.lead, self.partner):
            with self.subTest(record=record):
                tree = html.fromstring(self.card(record, self.rep))
                (story,) = tree.findall(".//details")
                self.assertIsNone(story.get("open"))
                line = " ".join(story.find("summary").text_content().split())
                self.assertTrue(
                    line.startswith("Asha Rep called Priya Sharma Connected, talked for 00:42."),
                    line,
                )
                self.assertNotIn("picked up", line)
                self.assertIn("Priya Sharma picked up", story.text_content())
                self.assertIn("Asha Rep picked up", story.text_content())

    def test_moments_are_those_of_the_reader(self):
        call = self.make_call(live=False)
        self.report(call, self.event("Answer", "A", 1))
        call.start_date = "2026-01-05 20:00:00"
        self.assertIn("01/05/2026 8:00 PM", self.text(self.card(self.lead, self.rep, tz="UTC")))
        for zone in ("Asia/Kolkata", "Asia/Calcutta"):
            card = self.text(self.card(self.lead, self.rep, tz=zone))
            self.assertIn("01/06/2026 1:30 AM", card)

    def test_each_reader_has_the_own_language(self):
        self.env["res.lang"]._activate_lang("hi_IN")
        self.rep.lang = "hi_IN"
        self.finished()
        hindi, english = self.card(self.lead, self.rep), self.card(self.lead, self.other_rep)
        self.assertIn("जुड़ी, 00:42 बात हुई।", hindi)
        self.assertIn("Connected, talked for 00:42.", english)
        self.assertIn("Priya Sharma picked up", english)
        for record in (self.lead, self.partner):
            body = self.cards(record).body
            self.assertIn("Connected, talked for 00:42.", body, "the company's language")
        self.env.company.partner_id.lang = "hi_IN"
        self.report(self.make_call(live=False), *self.connected(), self.cdr())
        self.assertIn("जुड़ी, 00:42 बात हुई।", self.cards(self.lead)[:1].body)

    def test_notes_are_in_the_companys_language(self):
        self.env["res.lang"]._activate_lang("hi_IN")
        self.rep.lang = "hi_IN"
        self.env.company.ccp_chatter_mode = "notes"
        self.report(self.make_call(), *self.connected())
        notes = "".join(self.lead.message_ids.mapped("body"))
        self.assertIn("Priya Sharma picked up", notes)

    def test_what_search_and_the_api_read(self):
        call = self.finished()
        call.with_user(self.rep).env["ccp.panel"].save_note(call.id, "Wants linen", "")
        body = self.cards(self.lead).body
        for text in (
            "Asha Rep called Priya Sharma",
            "Connected, talked for 00:42.",
            "Asha Rep picked up",
            "Priya Sharma picked up",
            "Airtel's summary of the call arrived",
            "Wants linen",
            f"/airtel_ccp/recording/{call.id}",
        ):
            self.assertIn(text, html.fromstring(body).text_content() + body)
        self.env.flush_all()
        messages = self.env["mail.message"].with_user(self.rep)
        found = messages._message_fetch([], thread=self.lead, search_term="linen")
        self.assertEqual(found["messages"], self.cards(self.lead))

    @contextmanager
    def body_writes(self):
        """Note each time when the stored text of a message is written."""
        writes = []
        messages = type(self.env["mail.message"])
        write = messages.write

        def noting(records, values):
            if "body" in values:
                writes.append(records.ids)
            return write(records, values)

        with patch.object(messages, "write", noting):
            yield writes

    def test_the_stored_text_is_not_written_for_each_report(self):
        call = self.make_call(live=False)
        with self.body_writes() as writes:
            for report in self.connected():
                self.report(call, report)
            # The agent picked up; the customer did: the other four say nothing of the state
            self.assertEqual(len(writes), 2)
            for digits in range(5):
                self.report(call, self.event("DTMF", "B", 20 + digits, dtmf=str(digits)))
            self.assertEqual(len(writes), 2)
            self.report(call, self.event("Disconnected", "B", 54, causeCode="16"))
            self.report(call, self.cdr(Recording=RECORDING))
            self.assertEqual(len(writes), 4, "it ended, and it was recorded")
            call._store_recording(wav(1), "audio/wav")
            self.report(call, self.event("Disconnected", "A", 55, causeCode="16"))
        self.assertEqual(len(writes), 4)
        self.assertEqual(set(map(tuple, writes)), {tuple(call.card_message_ids.ids)})

    def test_readers_see_what_is_not_stored_yet(self):
        call = self.make_call()
        self.report(call, self.event("CalledNumber", "A", 1))
        stored = self.cards(self.lead).body
        self.report(call, self.event("Ringing", "A", 2))
        self.assertEqual(self.cards(self.lead).body, stored)
        self.assertIn("The phone of Asha Rep is ringing", self.card(self.lead, self.other_rep))

    def test_the_bus_says_which_cards_changed_and_no_more(self):
        call = self.make_call()
        self.report(call, self.event("CalledNumber", "A", 1))
        sent = []
        with patch.object(
            type(self.env["res.users"]), "_bus_send", lambda _user, *args: sent.append(args)
        ):
            self.report(call, self.event("Ringing", "A", 2))
            call._fold()
        ((kind, values),) = sent
        self.assertEqual(kind, "airtel_ccp.call")
        self.assertEqual(values["card_ids"], call.card_message_ids.ids)
        self.assertEqual(set(values), {"panel", "card_ids"})
        self.assertNotIn("o_airtel_ccp_card", str(values))

    def test_before_any_report_it_claims_nothing(self):
        call = self.make_call()
        call._fold()
        self.assertIn("No report from Airtel yet.", self.card(self.lead, self.rep))
        self.assertNotIn("is calling", self.cards(self.lead).body)
        self.report(call, {"correlationId": "Xchange-test", "status": "success"})
        self.assertIn("No report from Airtel yet.", self.card(self.lead, self.rep))
        self.report(call, self.event("CalledNumber", "A", 1))
        self.assertIn("Airtel is calling Asha Rep.", self.card(self.lead, self.rep))
        self.report(call, self.event("Ringing", "A", 2))
        self.assertIn("The phone of Asha Rep is ringing.", self.card(self.lead, self.rep))

    def test_a_talk_time_that_nobody_knows_is_not_zero(self):
        call = self.make_call(live=False)
        self.report(call, self.cdr(Conversation_Duration="", Overall_Call_Duration=""))
        self.assertEqual(call.result, "connected")
        for card in (self.card(self.lead, self.rep), self.cards(self.lead).body):
            self.assertIn("Airtel did not report the talk time", card)
            self.assertNotIn("talked for", card)
        self.assertNotIn("talked for", call.timeline_html)

    def test_incoming_calls(self):
        for result, title in (
            ("connected", "Call from Priya Sharma"),
            ("agent_no_answer", "Missed call from Priya Sharma"),
            ("agent_busy", "Missed call from Priya Sharma"),
            ("agent_unreachable", "Missed call from Priya Sharma"),
        ):
            with self.subTest(result=result):
                call = self.log_by_hand(direction="inbound")
                # Some of these results are those of calls that come in through Airtel
                call.result = result
                call._update_card(call._timeline())
                body = call.card_message_ids[:1].body
                self.assertIn(title, body)
                self.assertNotIn("called", body)

    def test_text_stays_text(self):
        note = 'budget <5 lakh & >2\nwants <Tuesday>\nhttps://evil.example <a href="//x">y</a>'
        call = self.finished()
        self.env["ccp.panel"].with_user(self.rep).save_note(call.id, note, "")
        for card in (self.card(self.lead, self.rep), self.cards(self.lead).body):
            self.assertIn("budget &lt;5 lakh &amp; &gt;2<br", card)
            self.assertIn("wants &lt;Tuesday&gt;<br", card)
            links = [link.get("href") for link in html.fromstring(card).iter("a")]
            self.assertEqual(links, [f"/airtel_ccp/recording/{call.id}"])

    def test_a_loop_of_reports_and_a_long_note_are_bounded(self):
        call = self.make_call(live=False)
        reports = [self.event(f"Odd {'x' * 900} {turn}", "A", turn) for turn in range(150)]
        self.report(call, *reports)
        self.report(call, self.event("Answer", "A", 200))
        # Of a version in which a note had no limit
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE ccp_call SET note = repeat('n', 500000) WHERE id = %s", call.ids
        )
        self.env.invalidate_all()
        call._notify_entry()
        for card in (self.card(self.lead, self.rep), self.cards(self.lead).body):
            self.assertLess(len(card), 25_000)
            self.assertEqual(len(html.fromstring(card).findall(".//li")), 41)
            self.assertIn("110 more", card, "of which 150 count")
            self.assertIn("Asha Rep picked up", card, "the last lines are there")

    def test_cards_of_earlier_versions(self):
        call = self.finished()
        cards = call.card_message_ids
        cards.body = '<div class="o_airtel_ccp_card"><strong>Call to Priya</strong></div>'
        self.assertIn("Asha Rep called Priya Sharma", self.card(self.lead, self.other_rep))

    def test_a_message_that_only_looks_like_a_card(self):
        forged = '<div class="o_airtel_ccp_card">Connected</div>'
        message = self.lead.message_post(body=forged, message_type="comment")
        message.body = forged
        note = self.lead.sudo()._message_log(body="x")
        note.body = forged
        self.assertEqual(len(self.shown(self.lead, self.rep)), 2)
        for card in self.shown(self.lead, self.rep):
            self.assertIn("Connected", card)

    def test_a_card_that_fails_breaks_no_chatter(self):
        good, bad = self.finished(), self.finished()
        calls = type(self.env["ccp.call"])
        title = calls._title

        def failing(call):
            if call == bad:
                raise ValueError("poison")
            return title(call)

        with (
            patch.object(calls, "_title", failing),
            self.assertLogs("odoo.addons.airtel_ccp.models.ccp_call_card") as logs,
        ):
            shown = self.shown(self.lead, self.rep)
        self.assertEqual(len(logs.records), 1)
        self.assertEqual(["<details" in card for card in shown], [False, True])
        self.assertIn("Connected, talked for 00:42.", shown[0], "what is stored")
        self.assertTrue(good.card_message_ids)

    def test_the_story_outlives_its_reports(self):
        call = self.finished()
        call._delete_reports()
        self.assertFalse(call.event_ids)
        card = self.card(self.lead, self.other_rep)
        self.assertIn("Priya Sharma picked up", card)
        self.assertIn("Connected, talked for 00:42.", card)

    def test_erased(self):
        call = self.finished()
        card = call.card_message_ids[:1]
        call.write({"erased": True, "reports_deleted": True, "recording_state": "deleted"})
        shown = self.text(self.card(self.lead, self.rep))
        self.assertEqual(shown, "The data of this call were erased on request.")
        self.assertTrue(card.exists())

    def test_the_form_of_an_erased_call(self):
        call = self.finished()
        wizard = self.env["ccp.erasure"].with_user(self.manager)
        wizard.create({"partner_id": self.partner.id}).action_erase()
        words = self.text(call.with_user(self.manager).timeline_html)
        self.assertIn("The data of this call were erased on request.", words)
        self.assertNotIn("sent no report", words)
        sentence = call._absence_sentence()
        self.assertEqual(sentence, "The data of this call were erased on request.")

    def test_other_browsers_are_not_sent_what_only_the_current_user_may_see(self):
        call = self.finished()
        messages = call.card_message_ids[:1].with_user(self.rep)
        told = Store(bus_channel=self.other_rep).add(messages, ["body"]).get_result()
        self.assertNotIn("<details", told["mail.message"][0]["body"][1])
        self.assertTrue(messages.is_internal, "a portal never shows it")

    def test_a_planned_activity_that_is_ticked_off(self):
        """Says how long they talked only if somebody knows."""
        for seconds, words in ((0, "Called."), (42, "Called, talked for 00:42.")):
            self.lead.activity_schedule("mail.mail_activity_data_call", user_id=self.rep.id)
            self.env.flush_all()
            self.env.invalidate_all()
            call = self.make_call(
                live=False,
                state="ended",
                result="connected",
                talk_seconds=seconds,
                talk_unknown=not seconds,
                start_date=fields.Datetime.add(fields.Datetime.now(), minutes=1),
            )
            call.with_user(self.rep)._consume_activity()
            self.env.invalidate_all()
            done = self.lead.message_ids.filtered("mail_activity_type_id")
            self.assertIn(words, done[:1].body)


@tagged("post_install", "-at_install")
class TestCardReaders(CardCase, HttpCase):
    """Who reads note and outcome, and who is offered to listen."""

    SECRET = "SECRET price 4711"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other_company = cls.env["res.company"].create({"name": "Company B"})
        cls.neighbour = new_test_user(
            cls.env,
            "neighbour",
            "base.group_user,sales_team.group_sale_salesman_all_leads",
            company_id=cls.other_company.id,
            company_ids=[Command.set(cls.other_company.ids)],
        )

    def noted(self):
        """Return a finished call with a note and an outcome, written by its agent."""
        call = self.finished()
        panel = self.env["ccp.panel"].with_user(self.rep)
        panel.save_outcome(call.id, self.env.ref("airtel_ccp.ccp_call_outcome_interested").id)
        panel.save_note(call.id, self.SECRET, "")
        return call

    def test_no_reader_of_another_company_reads_the_note(self):
        self.lead.company_id = self.env.company
        self.assertFalse(self.partner.company_id)
        self.noted()
        self.assertIn(self.SECRET, self.cards(self.lead).body, "the record is the company's own")
        self.assertNotIn(self.SECRET, self.cards(self.partner).body)
        self.assertNotIn("Interested", self.cards(self.partner).body)
        for user in (self.rep, self.other_rep, self.plain_user):
            for record in (self.lead, self.partner):
                card = self.card(record, user)
                self.assertIn(self.SECRET, card)
                self.assertIn("Interested", card)
        card = self.card(self.partner, self.neighbour)
        self.assertNotIn(self.SECRET, card)
        self.assertNotIn("Interested", card)
        self.assertIn("Asha Rep called Priya Sharma", card)
        self.assertIn("Priya Sharma picked up", card)

    def test_no_activity_on_a_shared_record_says_it(self):
        """Who reads a record reads its activities, and what is posted when one is done."""
        outcome = self.env.ref("airtel_ccp.ccp_call_outcome_interested")
        outcome.activity_type_id = self.env.ref("mail.mail_activity_data_todo")
        for company in (self.env["res.company"], self.env.company):
            with self.subTest(company=company.name):
                self.lead.company_id = company
                self.lead.activity_schedule("mail.mail_activity_data_call", user_id=self.rep.id)
                self.env.flush_all()
                call = self.finished()
                call.start_date = fields.Datetime.add(fields.Datetime.now(), minutes=1)
                panel = self.env["ccp.panel"].with_user(self.rep)
                panel.save_note(call.id, self.SECRET, "")
                panel.save_outcome(call.id, outcome.id)
                panel.save_outcome(call.id, False)
                panel.save_outcome(call.id, outcome.id)
                panel.follow_up(call.id, "tomorrow", self.SECRET)
                panel.follow_up(call.id, "hour", self.SECRET)
                self.env.invalidate_all()
                planned = call.planned_activity_ids.filtered("active")
                self.assertEqual(len(planned), 2, "one of the outcome, one follow-up")
                done = self.lead.message_ids.filtered("mail_activity_type_id")[:1]
                self.assertIn("Called", done.body)
                texts = [*planned.mapped("note"), *planned.mapped("summary"), done.body]
                for word in (self.SECRET, "Interested"):
                    is_said = any(word in (text or "") for text in texts)
                    self.assertEqual(is_said, bool(company), word)

    def test_a_guest_on_the_companys_own_record_reads_it(self):
        """As any note there: who may read the record may read what is written on it."""
        self.lead.company_id = self.env.company
        call = self.noted()
        opened = self.env["ccp.call"]._open_places(
            [(call, "crm.lead", self.lead.id), (call, "res.partner", self.partner.id)]
        )
        self.assertEqual(opened, {(call, "crm.lead", self.lead.id)})

    def test_with_one_company_it_is_as_any_note(self):
        with patch.object(type(self.env["res.company"]), "search_count", return_value=1):
            self.noted()
            for record in (self.lead, self.partner):
                self.assertIn(self.SECRET, self.cards(record).body)
                self.assertIn("Interested", self.cards(record).body)

    def test_who_may_listen(self):
        """Who is offered to listen hears it; nobody else is."""
        call = self.finished()
        call._store_recording(wav(1), "audio/wav")
        no_ear = new_test_user(
            self.env,
            "no_ear",
            "sales_team.group_sale_salesman_all_leads,airtel_ccp.group_ccp_manager",
        )
        heard = set()
        for user in (self.rep, self.other_rep, self.manager, self.plain_user, no_ear):
            with self.subTest(user=user.login):
                card = self.card(self.lead, user)
                is_offered = f'href="/airtel_ccp/recording/{call.id}"' in card
                self.assertEqual("Recorded" in self.text(card), not is_offered)
                self.authenticate(user.login, user.login)
                answer = self.url_open(f"/airtel_ccp/recording/{call.id}")
                self.assertEqual(answer.status_code == 200, is_offered)
                if is_offered:
                    heard.add(user.login)
        self.assertEqual(heard, {"rep", "ccp_manager"})

    def test_whether_there_is_such_a_call_is_not_told(self):
        call = self.finished()
        self.authenticate("other_rep", "other_rep")
        answers = [
            self.url_open(f"/airtel_ccp/recording/{call_id}")
            for call_id in (call.id, 2**31 - 1, 2**31)
        ]
        self.assertEqual({answer.status_code for answer in answers}, {404})
        (text,) = {answer.text for answer in answers}
        self.assertIn("You may not listen to this call, or there is no such call", text)

    def test_without_the_right_to_call(self):
        self.finished()
        card = self.card(self.lead, self.plain_user)
        self.assertIn("Connected, talked for 00:42.", card)
        self.assertIn("Priya Sharma picked up", card)
        for secret in (CONNECTS, AGENT, "/airtel_ccp/recording"):
            self.assertNotIn(secret, card)

    def test_browsers_fetch_the_cards_that_they_may_read(self):
        call = self.finished()
        hidden = self.env["res.partner"].create(
            {"name": "Theirs", "company_id": self.other_company.id}
        )
        theirs = hidden._message_log(body="secret")
        ids = [*call.card_message_ids.ids, theirs.id]
        for user, expected in (
            (self.rep, set(call.card_message_ids.ids)),
            (self.plain_user, set(call.card_message_ids.ids)),
            (self.portal_user, set()),
        ):
            with self.subTest(user=user.login):
                self.authenticate(user.login, user.login)
                answer = self.make_jsonrpc_request(
                    "/mail/action",
                    {"fetch_params": [["airtel_ccp.cards", [*ids, "x", None, 2**40]]]},
                )
                told = answer.get("mail.message", [])
                self.assertEqual({each["id"] for each in told}, expected)
                self.assertTrue(all("<details" in each["body"][1] for each in told))
