from datetime import timedelta

from lxml import etree

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import Form, tagged
from odoo.tools.sql import column_exists

from .common import CONNECTS, CcpCase

CUSTOMER = "7000000444"
SPELLINGS = (
    "7000000444",
    "+91 70000 00444",
    "+917000000444",
    "07000000444",
    "0091-70000-00444",
    "70000-00444",
    "(0) 70000 00444",
    "70000.00444",
    " 70000 00444 ",
    "७०००००0४४४",
    "+९१ ७०००० ००४४४",
    "00444",
    "0444",
    "Mob: 70000 00444",
)
HOSTILE = (
    " ",
    "%",
    "_",
    "%%%%",
    "____",
    "7%4",
    "444",
    "nobody",
    "'; DROP TABLE ccp_call; --",
    "\\",
    "\x00",
    "7000000_44",
    "७",
    "9" * 5000,
)


class HistoryCase(CcpCase):
    """Calls that are over, so that an agent may have many."""

    def make_past_call(self, **values):
        """Make a call that ended."""
        return self.make_call(
            **{"live": False, "state": "ended", "result": "connected", "talk_seconds": 95} | values
        )

    def opened(self, record, user):
        """Return the calls in the list that the record's button opens for a user."""
        action = self.as_user(record, user).action_ccp_calls()
        return self.env["ccp.call"].with_user(user).search(action["domain"])

    def assert_counts(self, record, user, calls):
        """Check the number on a record's button, and the list behind it."""
        self.assertEqual(self.opened(record, user), calls.with_user(user).sorted("id", True))
        self.assertEqual(self.as_user(record, user).ccp_call_count, len(calls))


@tagged("post_install", "-at_install")
class TestPhoneSearch(HistoryCase):
    def setUp(self):
        super().setUp()
        self.other = self.make_past_call()
        self.call = self.make_past_call(customer_number=CUSTOMER)

    def find(self, text, operator="ilike"):
        return self.env["ccp.call"].search(
            [("phone_search", operator, text), ("id", "in", (self.call | self.other).ids)]
        )

    def test_any_spelling_finds_the_call(self):
        for text in SPELLINGS:
            with self.subTest(text=text):
                self.assertEqual(self.find(text), self.call)

    def test_what_is_no_number_finds_nothing(self):
        for text in HOSTILE:
            with self.subTest(text=text[:30]):
                self.assertFalse(self.find(text))

    def test_an_empty_text_is_as_in_any_field(self):
        self.assertFalse(self.find("", "="))
        self.assertEqual(self.find("", "ilike"), self.call | self.other)

    def test_other_types_find_nothing(self):
        for value in (False, None, 7000000444, ["x"]):
            with self.subTest(value=value):
                operator = "in" if isinstance(value, list) else "="
                self.assertFalse(self.find(value, operator))

    def test_exact_and_negated(self):
        self.assertEqual(self.find("+91 70000 00444", "="), self.call)
        self.assertEqual(self.find("+91 70000 00444", "not ilike"), self.other)

    def test_second_numbers_and_agents_numbers(self):
        for field in ("customer_second_number", "agent_number", "agent_second_number"):
            with self.subTest(field=field):
                call = self.make_past_call(**{field: "7000000555"})
                found = self.env["ccp.call"].search([("phone_search", "ilike", "070000 00555")])
                self.assertEqual(found, call)
                call.unlink()

    def test_filtering_agrees_with_searching(self):
        both = self.call | self.other
        self.assertEqual(both.filtered_domain([("phone_search", "ilike", "0444")]), self.call)

    def test_a_rep_finds_only_own_calls(self):
        calls = self.env["ccp.call"].with_user(self.other_rep)
        self.assertFalse(calls.search([("phone_search", "ilike", CUSTOMER)]))

    def test_an_index_serves_the_search(self):
        self.env.flush_all()
        # A table of a few rows is read whole unless the planner has to think of a large one
        self.env.cr.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off")
        query = self.env["ccp.call"]._search([("phone_search", "ilike", "0444")], order="id")
        self.env.cr.execute(b"EXPLAIN " + self.env.cr.mogrify(query.select()))
        plan = "\n".join(row[0] for row in self.env.cr.fetchall())
        self.assertIn("_suffix_idx", plan)


@tagged("post_install", "-at_install")
class TestSearchView(HistoryCase):
    def filter_domain(self, name):
        arch = etree.fromstring(self.env["ccp.call"].get_view(view_type="search")["arch"])
        (node,) = arch.xpath(f"//filter[@name='{name}']")
        return node.get("domain")

    def found(self, name):
        domain = eval(self.filter_domain(name), {"uid": self.env.uid})  # noqa: S307
        return self.env["ccp.call"].search(domain)

    def test_filters(self):
        now = fields.Datetime.now()
        short = self.make_past_call(talk_seconds=60)
        long = self.make_past_call(talk_seconds=301, recording_state="stored")
        missed = self.make_past_call(result="agent_no_answer", talk_seconds=0)
        old = self.make_past_call(start_date=now - timedelta(days=40), talk_seconds=0)
        outcome = self.env["ccp.call.outcome"].search([], limit=1)
        done = self.make_past_call(outcome_id=outcome.id, talk_seconds=1000)
        mine = short | long | missed | old | done
        expected = {
            "over_1_minute": long | done,
            "over_5_minutes": long | done,
            "over_15_minutes": done,
            "agent_missed": missed,
            "no_outcome": short | long | old,
            "recorded": long,
            "not_recorded": short | missed | old | done,
            "today": short | long | missed | done,
            "yesterday": mine.browse(),
            "this_week": short | long | missed | done,
            "last_30_days": short | long | missed | done,
        }
        for name, calls in expected.items():
            with self.subTest(filter=name):
                self.assertEqual(self.found(name) & mine, calls)

    def test_every_grouping_works(self):
        self.make_past_call()
        arch = etree.fromstring(self.env["ccp.call"].get_view(view_type="search")["arch"])
        groupings = [node.get("context") for node in arch.xpath("//filter[@context]")]
        self.assertGreaterEqual(len(groupings), 8)
        for context in groupings:
            with self.subTest(context=context):
                key = eval(context)["group_by"]  # noqa: S307
                calls = self.env["ccp.call"].with_user(self.manager)
                groups = calls.web_read_group([], [key], ["__count"])["groups"]
                self.assertEqual(sum(group["__count"] for group in groups), calls.search_count([]))

    def test_views_load_for_each_role(self):
        views = [(False, kind) for kind in ("list", "form", "kanban", "calendar", "search")]
        for user in (self.rep, self.manager):
            with self.subTest(user=user.login):
                loaded = self.env["ccp.call"].with_user(user).get_views(views)["views"]
                self.assertEqual(set(loaded), {kind for __, kind in views})

    def test_the_action_offers_them(self):
        modes = self.env.ref("airtel_ccp.action_ccp_call").view_mode.split(",")
        self.assertLessEqual({"list", "kanban", "calendar", "form"}, set(modes))


@tagged("post_install", "-at_install")
class TestSearchBox(CcpCase):
    """What is pasted into the history's search box is found by Enter alone."""

    def found(self, text):
        arch = etree.fromstring(self.env["ccp.call"].get_view(view_type="search")["arch"])
        first = arch.xpath("//field")[0]
        domain = eval(first.get("filter_domain"), {"self": text})  # noqa: S307 - our own view
        return self.env["ccp.call"].search(domain)

    def test_name_or_number(self):
        call = self.make_call(customer_name="Zebulon 4x4", live=False)
        other = self.make_call(customer_number="7000000555", customer_name="Zoe", live=False)
        for text in ("+91 70000 00101", "07000000101", CONNECTS, "00101", "zebu", "4x4"):
            with self.subTest(text=text):
                self.assertIn(call, self.found(text))
                self.assertNotIn(other, self.found(text))
        for text in ("555", "nobody"):
            with self.subTest(text=text):
                self.assertNotIn(call, self.found(text))


@tagged("post_install", "-at_install")
class TestCounts(HistoryCase):
    def test_contact_with_people_and_leads(self):
        company = self.env["res.partner"].create({"name": "Sharma Textiles", "is_company": True})
        self.partner.parent_id = company
        lost = self.env["crm.lead"].create({"name": "Lost", "partner_id": company.id})
        lost.active = False
        bare = self.env["crm.lead"].create({"name": "No contact yet", "partner_id": False})
        nobody = {"partner_id": False, "customer_name": "Somebody"}
        of_person = self.make_past_call()
        of_lost = self.make_past_call(res_id=lost.id, lead_id=lost.id, **nobody)
        of_bare = self.make_past_call(res_id=bare.id, lead_id=bare.id, **nobody)
        theirs = self.make_past_call(user_id=self.other_rep.id)
        self.assert_counts(company, self.manager, of_person | of_lost | theirs)
        self.assert_counts(self.partner, self.manager, of_person | theirs)
        bare.partner_id = self.partner
        self.assert_counts(self.partner, self.manager, of_person | theirs | of_bare)
        self.assert_counts(company, self.manager, of_person | of_lost | theirs | of_bare)
        # A rep's number counts what the rep's list shows
        self.assert_counts(company, self.rep, of_person | of_lost | of_bare)
        self.assert_counts(company, self.other_rep, theirs)

    def test_an_archived_person_still_counts(self):
        company = self.env["res.partner"].create({"name": "Sharma Textiles", "is_company": True})
        self.partner.parent_id = company
        call = self.make_past_call()
        self.partner.active = False
        self.assert_counts(company, self.manager, call)

    def test_the_number_has_no_column_and_takes_no_value(self):
        call = self.make_past_call()
        for record in (self.partner, self.lead):
            with self.subTest(model=record._name):
                self.assertFalse(column_exists(self.env.cr, record._table, "ccp_call_count"))
                record.write({"ccp_call_count": 7})
                self.assertEqual(record.copy().ccp_call_count, 0)
                self.assert_counts(record, self.manager, call)
                made = record.create({"name": "New", "ccp_call_count": 7})
                self.assertEqual(self.as_user(made, self.manager).ccp_call_count, 0)
                drafts = record.new({"name": "Draft"}), record.new(origin=record)
                self.assertEqual([draft.ccp_call_count for draft in drafts], [0, 1])

    def test_the_number_is_each_users_own(self):
        self.make_past_call()
        for user, count in ((self.manager, 1), (self.other_rep, 0), (self.rep, 1)):
            self.assertEqual(self.lead.with_user(user).ccp_call_count, count)
            self.assertEqual(self.partner.with_user(user).ccp_call_count, count)

    def test_records_are_found_and_sorted_by_the_number(self):
        self.make_past_call()
        for record in (self.partner, self.lead):
            found = record.with_user(self.rep).search([("ccp_call_count", ">", 0)])
            self.assertEqual(found, record)
            first = record.with_user(self.rep).search([], order="ccp_call_count desc", limit=1)
            self.assertEqual(first, record)

    def test_lead_converted(self):
        lead = self.env["crm.lead"].create({"name": "Fresh", "type": "lead", "phone": CUSTOMER})
        call = self.make_past_call(res_id=lead.id, lead_id=lead.id, partner_id=False)
        lead.convert_opportunity(self.partner)
        self.assert_counts(lead, self.manager, call)
        self.assert_counts(self.partner, self.manager, call)

    def test_one_query_for_many(self):
        partners = self.env["res.partner"].create([{"name": f"Many {i}"} for i in range(20)])
        for partner in partners[:3]:
            self.make_past_call(partner_id=partner.id)
        calls = self.env["ccp.call"].with_user(self.manager)
        calls.search_count([])
        partners = self.as_user(partners, self.manager)
        with self.assertQueryCount(6):
            counts = partners.mapped("ccp_call_count")
        self.assertEqual(counts, [1, 1, 1] + [0] * 17)

    def test_agent_even_when_archived(self):
        call = self.make_past_call()
        self.make_past_call(user_id=self.other_rep.id)
        self.assert_counts(self.rep, self.manager, call)
        self.rep.active = False
        self.assert_counts(self.rep, self.manager, call)
        self.assertEqual(call.with_user(self.manager).user_id.name, "Asha Rep")

    def test_team_keeps_the_calls_of_who_left_it(self):
        north, south = self.env["crm.team"].create([{"name": "North"}, {"name": "South"}])
        north.member_ids = self.rep
        self.lead.team_id = north
        old = self.place()
        old.write({"live": False, "state": "ended", "result": "connected"})
        north.member_ids = False
        south.member_ids = self.rep
        self.lead.team_id = south
        new = self.place()
        self.assert_counts(north, self.manager, old)
        self.assert_counts(south, self.manager, new)

    def test_companies_are_apart(self):
        other = self.env["res.company"].create({"name": "Other company"})
        ours = self.make_past_call()
        theirs = self.make_past_call(company_id=other.id)
        self.assert_counts(self.partner, self.manager, ours)
        self.assert_counts(self.rep, self.manager, ours)
        self.manager.company_ids |= other
        both = self.as_user(self.partner, self.manager).with_context(
            allowed_company_ids=[self.env.company.id, other.id]
        )
        self.assertEqual(both.ccp_call_count, len(ours | theirs))

    def test_without_calling_rights_no_count(self):
        with self.assertRaises(AccessError):
            self.as_user(self.partner, self.plain_user).read(["ccp_call_count"])
        with self.assertRaises(AccessError):
            self.as_user(self.lead.team_id, self.portal_user).read(["ccp_call_count"])

    def test_buttons_are_in_the_forms(self):
        admin = self.env.ref("base.user_admin")
        forms = (
            "base.view_partner_form",
            "crm.crm_lead_view_form",
            "base.view_users_form",
            "sales_team.crm_team_view_form",
        )
        for name in forms:
            with self.subTest(view=name):
                view = self.env.ref(name)
                arch = self.env[view.model].with_user(admin).get_view(view.id)["arch"]
                self.assertTrue(
                    etree.fromstring(arch).xpath("//button[@name='action_ccp_calls']/field")
                )


@tagged("post_install", "-at_install")
class TestMerges(HistoryCase):
    def listed(self, record, user, **values):
        return self.env["ccp.call.list.item"].create(
            {
                "user_id": user.id,
                "res_model": record._name,
                "res_id": record.id,
                "customer_name": record.display_name,
                **values,
            }
        )

    def test_merged_leads(self):
        other = self.env["crm.lead"].create({"name": "Twice", "type": "lead", "phone": CUSTOMER})
        call = self.make_call(
            res_id=other.id, lead_id=other.id, partner_id=False, customer_name="As it was"
        )
        self.report(call, *self.connected(), self.cdr())
        self.assertTrue(self.cards(other))
        both = self.listed(self.lead, self.rep), self.listed(other, self.rep)
        theirs = self.listed(other, self.other_rep)
        merged = (self.lead | other).merge_opportunity()
        self.assertEqual(merged, self.lead)
        self.assertFalse(other.exists())
        self.assertEqual((call.res_id, call.lead_id), (merged.id, merged))
        self.assertEqual(call.customer_name, "As it was")
        self.assert_counts(merged, self.manager, call)
        self.assertEqual(self.cards(merged), call.card_message_ids)
        self.assertEqual([item.state for item in both], ["waiting", "skipped"])
        self.assertEqual((theirs.state, theirs.res_id), ("waiting", merged.id))
        # Late reports change the card on its present record
        self.report(call, self.cdr(Conversation_Duration="00:01:30"))
        self.assertEqual(len(self.cards(merged)), 1)

    def test_a_salesman_may_merge_leads_with_calls_of_others(self):
        other = self.env["crm.lead"].create({"name": "Twice", "type": "opportunity"})
        call = self.make_past_call(res_id=other.id, lead_id=other.id)
        merged = self.as_user(self.lead | other, self.plain_user).merge_opportunity()
        self.assertEqual(call.lead_id.id, merged.id)
        self.assertEqual(call.res_id, merged.id)

    def test_merged_contacts(self):
        double = self.env["res.partner"].create({"name": "P. Sharma", "phone": CUSTOMER})
        call = self.make_call(
            res_model="res.partner",
            res_id=double.id,
            partner_id=double.id,
            customer_name="P. Sharma",
        )
        self.report(call, *self.connected(), self.cdr())
        own = self.make_past_call(user_id=self.other_rep.id)
        item = self.listed(double, self.rep)
        cards = self.cards(double)
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        wizard._merge((double | self.partner).ids, self.partner)
        self.assertFalse(double.exists())
        self.env.invalidate_all()
        self.assertEqual((call.res_id, call.partner_id), (self.partner.id, self.partner))
        self.assertEqual(call.customer_name, "P. Sharma")
        self.assertEqual(item.res_id, self.partner.id)
        self.assertTrue(cards)
        self.assertLessEqual(cards, self.partner.message_ids)
        self.assert_counts(self.partner, self.manager, call | own)

    def test_a_deleted_lead_leaves_its_calls(self):
        call = self.make_past_call(lead_id=self.lead.id)
        self.lead.unlink()
        self.env.invalidate_all()
        self.assertTrue(call.exists())
        self.assertEqual(call.customer_name, "Priya Sharma")
        self.assertFalse(call.lead_id)
        self.assert_counts(self.partner, self.manager, call)
        seen = call.with_user(self.manager)
        action = seen.action_open_record()
        self.assertEqual(action["tag"], "display_notification")
        self.assertIn("does not exist any more", action["params"]["message"])
        with Form(seen) as form:
            self.assertEqual(form.customer_name, "Priya Sharma")


@tagged("post_install", "-at_install")
class TestStory(HistoryCase):
    def test_durations_are_minutes_and_seconds(self):
        now = fields.Datetime.now()
        call = self.make_past_call(
            talk_seconds=155,
            agent_ring_seconds=7,
            customer_ring_seconds=61,
            start_date=now,
            end_date=now + timedelta(seconds=3725),
        )
        self.assertEqual(call.talk_time, "02:35")
        self.assertEqual(call.agent_ring_time, "00:07")
        self.assertEqual(call.customer_ring_time, "01:01")
        self.assertEqual(call.total_time, "1:02:05")

    def test_durations_and_colour_follow_what_they_are_made_of(self):
        seconds = (0, 59, 60, 3599, 3600, 36_000)
        calls = self.env["ccp.call"].concat(
            *(self.make_past_call(talk_seconds=each, agent_ring_seconds=each) for each in seconds)
        )
        texts = ["00:59", "01:00", "59:59", "1:00:00", "10:00:00"]
        self.assertEqual(calls.mapped("talk_time"), ["00:00", *texts])
        self.assertEqual(calls.mapped("agent_ring_time"), ["", *texts])
        self.assertEqual(set(calls.mapped("tone")), {"success"})
        one, other = calls[:2]
        one.talk_unknown = True
        other.write({"talk_seconds": 61, "result": "failed"})
        self.assertEqual(calls.mapped("talk_time"), ["Unknown", "01:01", *texts[1:]])
        self.assertEqual(calls.mapped("tone"), ["success", "danger", *["success"] * 4])
        # Also of a call that is not stored
        draft = self.env["ccp.call"].new({"talk_seconds": 5, "result": "connected"})
        self.assertEqual((draft.talk_time, draft.tone), ("00:05", "success"))
        draft.talk_seconds = 65
        self.assertEqual(draft.talk_time, "01:05")

    def test_nothing_is_shown_of_what_did_not_happen(self):
        call = self.make_past_call(result="customer_no_answer", talk_seconds=0, end_date=False)
        self.assertEqual(
            (call.talk_time, call.agent_ring_time, call.customer_ring_time, call.total_time),
            ("", "", "", ""),
        )

    def rows(self, call):
        """Return the timeline's rows as lists of words."""
        tree = etree.fromstring(f"<div>{call.timeline_html}</div>")
        return [
            ["".join(cell.itertext()).strip() for cell in row.xpath("td")]
            for row in tree.xpath("//tbody[@class='o_airtel_ccp_events border-top']/tr")
        ]

    def test_both_legs_stand_side_by_side(self):
        call = self.make_call()
        self.report(call, *self.connected(), self.event("Hangup", "B", 40))
        rows = self.rows(call.with_user(self.manager))
        told = {(bool(agent), bool(customer)) for __, agent, customer in rows}
        self.assertEqual(told, {(True, False), (False, True)})
        self.assertIn("Asha Rep picked up", [row[1] for row in rows])
        self.assertIn("Priya Sharma picked up", [row[2] for row in rows])

    def facts(self, call):
        """Return what the timeline says of both lines, by label."""
        tree = etree.fromstring(f"<div>{call.timeline_html}</div>")
        return {
            row.findtext("th"): ["".join(cell.itertext()).strip() for cell in row.xpath("td")]
            for row in tree.xpath("//tbody[@class='o_airtel_ccp_legs']/tr")
        }

    def test_what_is_known_of_both_lines(self):
        call = self.make_past_call(
            customer_operator="Airtel",
            customer_circle="Karnataka",
            agent_ring_seconds=4,
            customer_ring_seconds=9,
            agent_answer_date="2026-11-24 06:30:05",
            answer_date="2026-11-24 06:30:39",
            agent_cause="Normal call clearing",
            customer_cause="User busy",
            hung_up_by="customer",
        )
        facts = self.facts(call.with_user(self.manager).with_context(tz="Asia/Kolkata"))
        self.assertEqual(facts["Phone"], [call.agent_number, call.customer_number])
        self.assertEqual(facts["Network"], ["", "Airtel, Karnataka"])
        self.assertEqual(facts["Rang for"], ["00:04", "00:09"])
        self.assertEqual(facts["End"], ["", "Hung up first, User busy"])
        # In the reader's own time
        self.assertIn("12:00:39", facts["Picked up"][1])

    def test_names_cannot_break_the_timeline(self):
        call = self.make_call(customer_name="<script>alert(1)</script>")
        self.report(call, *self.connected())
        self.assertNotIn("<script", call.timeline_html)

    def test_without_reports(self):
        self.assertIn("no report", self.make_past_call().timeline_html)
        by_hand = self.log_by_hand()
        self.assertIn("logged by hand", by_hand.timeline_html)
