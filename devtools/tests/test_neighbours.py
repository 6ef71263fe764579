import subprocess

import pytest

from devtools.commands.neighbours import Difference, confirmed, differences, read, table, tags
from devtools.machine.layout import LAYOUT

HEAD = "2026-11-26 21:05:16,858 14640"
PASSED = f"{HEAD} INFO some_run odoo.addons.crm.tests.test_lead: Starting TestLead.test_one ... \n"
FAILED = f"""\
{HEAD} INFO some_run odoo.addons.crm.tests.test_lead: Starting TestLead.test_two ...
{HEAD} INFO some_run odoo.addons.crm.tests.test_lead: ======================================
{HEAD} ERROR some_run odoo.addons.crm.tests.test_lead: FAIL: TestLead.test_two
Traceback (most recent call last):
  File "/odoo/addons/crm/tests/test_lead.py", line 24, in test_two
    self.fail("no")
AssertionError: no
"""
SUBTEST = (
    f"{HEAD} ERROR some_run odoo.addons.crm.tests.test_lead: "
    "ERROR: Subtest TestLead.test_two (login='user_sales_manager')\n"
)
CLASS = (
    f"{HEAD} ERROR some_run odoo.tests.suite: "
    "ERROR: setUpClass (odoo.addons.sms.tests.test_sms.TestSms)\n"
)
LESS = (
    f"{HEAD} INFO some_run odoo.addons.crm.tests.test_lead: Query count less than expected for "
    "user admin: {count} < 962 in test_two at crm/tests/test_lead.py:60\n"
)
MORE = (
    "AssertionError: Query count more than expected for user admin: {count} > 962 in test_two at "
    "crm/tests/test_lead.py:60\n"
)
PLACE = "crm/tests/test_lead.py:60 test_two (admin)"


def result(text):
    return read(text.splitlines())


def found(plain, own):
    return [(each.what, each.plain, each.own) for each in differences(result(plain), result(own))]


def test_what_is_read():
    seen = result(PASSED + FAILED + SUBTEST + CLASS)
    assert seen.started == {
        "crm.tests.test_lead:TestLead.test_one": 1,
        "crm.tests.test_lead:TestLead.test_two": 1,
    }
    assert seen.failed == {
        "crm.tests.test_lead:TestLead.test_two": 2,
        "sms.tests.test_sms:TestSms": 1,
    }


def test_other_errors_are_no_failures():
    line = f"{HEAD} ERROR some_run odoo.sql_db: bad query: FAIL: TestLead.test_two\n"
    assert not result(line).failed


def test_the_same_is_no_difference():
    text = PASSED + FAILED + CLASS + LESS.format(count=928)
    assert found(text, text) == []


def test_a_test_that_fails_in_one_only():
    passes = FAILED.replace("ERROR", "INFO")
    name = "crm.tests.test_lead:TestLead.test_two"
    assert found(passes, FAILED) == [(name, "passes", "fails 1 times")]
    assert found(FAILED, passes) == [(name, "fails 1 times", "passes")]
    assert found(FAILED, FAILED + SUBTEST) == [(name, "fails 1 times", "fails 2 times")]


def test_a_test_that_runs_in_one_only():
    name = "crm.tests.test_lead:TestLead.test_one runs"
    assert found(PASSED, "") == [(name, "1 times", "0 times")]


@pytest.mark.parametrize(
    ("plain", "own", "texts"),
    [
        (LESS.format(count=928), LESS.format(count=936), ("928", "936")),
        (LESS.format(count=961), "", ("961", "962")),
        ("", MORE.format(count=964), ("962", "964")),
        (LESS.format(count=1) * 2, LESS.format(count=1), ("1, 1", "1")),
    ],
)
def test_statements_are_compared_also_within_the_budget(plain, own, texts):
    assert found(plain, own) == [(PLACE, *(f"{text} of 962 statements" for text in texts))]


def test_tests_run_again_by_their_tags():
    names = ["crm.tests.test_lead:TestLead.test_two", "sms.tests.test_sms:TestSms"]
    assert tags(names) == "/crm:TestLead.test_two,/sms:TestSms"


def test_only_what_differs_again_counts():
    flickers = Difference("a", "passes", "fails 1 times", test="crm.tests.x:A.a")
    stays = Difference("b", "passes", "fails 1 times", test="crm.tests.x:A.b")
    counts = Difference(PLACE, "1", "2")
    asked = []

    def again(tests):
        asked.append(tests)
        return [stays]

    assert confirmed([flickers, stays, counts], again) == [stays, counts]
    assert asked == [["crm.tests.x:A.a", "crm.tests.x:A.b"]]
    assert confirmed([counts], again) == [counts]
    assert len(asked) == 1


def test_the_table():
    lines = table([Difference("a", "passes", "fails 1 times")]).splitlines()
    assert lines == ["what  without the addon  with it", "a     passes             fails 1 times"]


def test_all_tests_run_late():
    code = """
from odoo.tests import loader
loader.make_suite = lambda names, position: [f"{position} of {names[0]}"]
from devtools.quality import late_tests
loader.OdooSuite = list
assert late_tests.make_late_suite(["crm"], "at_install") == []
assert late_tests.make_late_suite(["crm"], "post_install") == [
    "at_install of crm", "post_install of crm"]
"""
    subprocess.run([LAYOUT.python, "-c", code], check=True, cwd=LAYOUT.dev)
