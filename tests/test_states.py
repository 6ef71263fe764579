from ast import literal_eval
from unittest.mock import patch

from lxml import etree

from odoo.tests import tagged

from ..ccp.call import states
from .common import CcpCase


@tagged("post_install", "-at_install")
class TestStates(CcpCase):
    """One table of states and results: labels, sentences, colours, and who missed the call."""

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
