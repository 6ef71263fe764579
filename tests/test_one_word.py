from ast import literal_eval
from datetime import timedelta
from unittest.mock import patch

from lxml import etree

from odoo import fields
from odoo.tests import freeze_time, tagged

from ..ccp.call import states
from .common import CONNECTS, CcpCase


@tagged("post_install", "-at_install")
class TestLastThirtyDays(CcpCase):
    """“Last 30 days” are the same days in the filter, on the dashboard and in the weekly mail."""

    def setUp(self):
        super().setUp()
        self.env["ccp.call"].search([]).unlink()
        arch = etree.fromstring(self.env["ccp.call"].get_view(view_type="search")["arch"])
        (domain,) = arch.xpath("//filter[@name='last_30_days']/@domain")
        self.domain = literal_eval(domain)

    def make_calls(self):
        """Make a call every three hours of the last 70 days, also right at midnight in India."""
        now = fields.Datetime.now()
        midnight = fields.Datetime.today() - timedelta(hours=5, minutes=30)
        moments = [now - timedelta(hours=hours) for hours in range(1, 70 * 24, 3)]
        for days in range(28, 34):
            day = midnight - timedelta(days=days)
            moments += [day, day - timedelta(seconds=1), day + timedelta(seconds=1)]
        self.env["ccp.call"].create(
            [
                {
                    "user_id": self.rep.id,
                    "company_id": self.env.company.id,
                    "live": False,
                    "state": "ended",
                    "result": "connected" if position % 3 else "customer_busy",
                    "talk_seconds": 60,
                    "start_date": moment,
                }
                for position, moment in enumerate(moments)
            ]
        )

    def kpis(self):
        digest = self.env.ref("airtel_ccp.digest_ccp_weekly")
        kpis = digest.with_user(self.manager).sudo()._compute_kpis(self.env.company, self.manager)
        return {kpi["kpi_name"]: kpi for kpi in kpis}

    def test_same_days(self):
        for moment in ("2026-11-22 10:00:00", "2026-11-22 18:29:59", "2026-03-01 19:00:00"):
            for zone in ("Asia/Kolkata", "America/New_York", "Pacific/Auckland"):
                with self.subTest(moment=moment, zone=zone), freeze_time(moment):
                    self.manager.tz = zone
                    self.env["ccp.call"].search([]).unlink()
                    self.make_calls()
                    self.env.flush_all()
                    calls = self.as_user(self.env["ccp.call"], self.manager)
                    filtered = calls.with_context(tz=zone).search_count(self.domain)
                    figures = self.as_user(self.env["ccp.dashboard"], self.manager).figures()
                    shown = {each["key"]: each["month"] for each in figures["tiles"]}["attempts"]
                    self.assertEqual(shown["value"], filtered)
                    self.assertEqual(len(figures["trend"]), 30)
                    mailed = self.kpis()["kpi_ccp_calls"]["kpi_col3"]["value"]
                    self.assertEqual(mailed, str(filtered))

    @freeze_time("2026-11-22 10:00:00")
    def test_a_period_is_compared_with_the_one_before(self):
        self.manager.tz = "Asia/Kolkata"
        # 10 in these 30 days, 5 in the 30 before, 1 before that
        for days, count in ((0, 5), (29, 5), (30, 2), (59, 3), (60, 1)):
            for _each in range(count):
                self.make_call(
                    live=False,
                    state="ended",
                    result="connected",
                    talk_seconds=828,
                    start_date=fields.Datetime.now() - timedelta(days=days),
                )
        self.env.flush_all()
        kpis = self.kpis()
        month = kpis["kpi_ccp_calls"]["kpi_col3"]
        self.assertEqual((month["value"], month["margin"]), ("10", 100.0))
        week = kpis["kpi_ccp_calls"]["kpi_col2"]
        self.assertEqual((week["value"], week["margin"]), ("5", 0.0))
        self.assertEqual(kpis["kpi_ccp_talk_time"]["kpi_col3"]["value"], "2 h 18 min")
        self.assertEqual(kpis["kpi_ccp_connect_rate"]["kpi_col3"]["value"], "100.0 %")

    def test_nothing_is_compared_with_next_to_nothing(self):
        self.manager.tz = "Asia/Kolkata"
        for days, count in ((0, 12), (40, 1)):
            for _each in range(count):
                self.make_call(
                    live=False,
                    state="ended",
                    result="connected",
                    talk_seconds=69,
                    start_date=fields.Datetime.now() - timedelta(days=days),
                )
        self.env.flush_all()
        month = {name: kpi["kpi_col3"] for name, kpi in self.kpis().items()}
        self.assertEqual({each["margin"] for each in month.values()}, {0})
        self.assertEqual(month["kpi_ccp_talk_time"]["value"], "14 min")

    def test_no_call_has_no_rate(self):
        kpis = self.kpis()
        self.assertEqual(kpis["kpi_ccp_connect_rate"]["kpi_col3"]["value"], "–")
        self.assertEqual(kpis["kpi_ccp_talk_time"]["kpi_col3"]["value"], "0 min")


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
class TestTones(CcpCase):
    """One table says the colour of a state or result."""

    def test_every_state_and_result(self):
        for name, table in (("state", states.STATES), ("result", states.RESULTS)):
            selection = self.env["ccp.call"]._fields[name].selection
            with self.subTest(field=name):
                self.assertEqual([key for key, _label in selection], list(table))

    def test_every_state_and_result_has_sentences(self):
        call = self.make_call(live=False)
        pairs = [(state, False) for state in states.STATES if state != "ended"]
        for state, result in [*pairs, *(("ended", result) for result in states.RESULTS)]:
            call.write({"state": state, "result": result})
            story = call._timeline()
            with (
                self.subTest(state=state, result=result),
                # It would stand in for a sentence that is missing
                patch.object(type(call), "_label", side_effect=AssertionError("no sentence")),
            ):
                self.assertTrue(call._headline())
                self.assertTrue(call._panel_sentence(story))

    def test_the_label_stands_in_for_a_sentence(self):
        call = self.make_call(live=False, state="ended", result="connected")
        self.assertEqual(call._label("result"), "Connected")

    def test_calls_are_found_by_who_missed_them(self):
        self.env["ccp.call"].search([]).unlink()
        for result in states.RESULTS:
            self.make_call(live=False, state="ended", result=result)
        self.env.flush_all()
        for model in ("ccp.call", "ccp.call.daily"):
            arch = etree.fromstring(self.env[model].get_view(view_type="search")["arch"])
            for name, who in (("agent_missed", "agent"), ("customer_missed", "customer")):
                with self.subTest(model=model, who=who):
                    (domain,) = arch.xpath(f"//filter[@name='{name}']/@domain")
                    found = self.env[model].search(literal_eval(domain))
                    expected = {
                        key for key, each in states.RESULTS.items() if each.missed_by == who
                    }
                    self.assertEqual(set(found.mapped("result")), expected)
            others = self.env[model].search([("missed_by", "=", False)])
            self.assertIn("connected", others.mapped("result"))
            self.assertNotIn("agent_busy", others.mapped("result"))
        report = self.env["ccp.call.daily"]
        found = report._read_group([("missed_by", "=", "agent")], ["result"], ["attempts:sum"])
        self.assertEqual({each[0] for each in found}, {*states.MISSED_BY_AGENT})
        call = self.env["ccp.call"].search([("result", "=", "agent_busy")])
        self.assertEqual(call.missed_by, "agent")

    def test_who_missed_it(self):
        for result, tone in (
            ("customer_busy", "secondary"),
            ("agent_busy", "warning"),
            ("canceled", "warning"),
            ("no_report", "danger"),
            ("connected", "success"),
        ):
            call = self.make_call(live=False, state="ended", result=result)
            with self.subTest(result=result):
                self.assertEqual(call.tone, tone)
                self.assertIn(f"text-{tone}", call.timeline_html)

    def test_views_use_the_table(self):
        for kind in ("list", "kanban", "form", "calendar"):
            arch = etree.fromstring(self.env["ccp.call"].get_view(view_type=kind)["arch"])
            (result,) = arch.xpath("//field[@name='result'][@widget='badge']")
            with self.subTest(view=kind):
                decorations = {
                    name: value
                    for name, value in result.attrib.items()
                    if name.startswith("decoration-")
                }
                self.assertEqual(
                    decorations,
                    {
                        f"decoration-{tone}": f"tone == '{tone}'"
                        for tone in ("success", "warning", "danger")
                    },
                )

    def test_a_live_call_says_nothing_of_its_recording(self):
        for kind in ("list", "kanban"):
            arch = etree.fromstring(self.env["ccp.call"].get_view(view_type=kind)["arch"])
            (field,) = arch.xpath("//field[@name='recording_state']")
            self.assertTrue(field.get("invisible").startswith("live"), kind)
