"""The figures: where a run leaves them, and what publishing makes of them."""

import json
import shutil
from xml.etree import ElementTree

import pytest

from devtools.bench import drawing, results
from devtools.bench.figures import Figure
from devtools.commands import figures
from devtools.machine.errors import ToolError
from devtools.machine.layout import LAYOUT

RUN = {"date": "2031-02-03", "quick": True, "machine": {"cores": 3, "processor": "a new one"}}
P50 = "report acknowledged: p50, to the empty route"
MEASURED = [("report", Figure(P50, 0.25, "times", 0.5)), ("click", Figure("a click", 9, "ms", 10))]
PAGES = ("README.md", "docs/benchmarks.md", "devtools/bench/results.json")


@pytest.fixture
def checkout(layout):
    """A checkout with the pages that show figures."""
    for name in PAGES:
        path = layout.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(LAYOUT.root / name, path)
    return layout


def texts(layout):
    """Return the text of every file outside of ``.dev``."""
    found = (path for path in layout.root.rglob("*") if layout.dev not in path.parents)
    return {path: path.read_text() for path in found if path.is_file()}


def load(path):
    return json.loads(path.read_text())


def test_a_run_leaves_the_checkout_as_it_was(checkout):
    before = texts(checkout)
    for _time in range(2):
        results.keep(checkout, RUN, MEASURED)
    assert texts(checkout) == before
    assert load(results.latest(checkout)) != load(results.published(checkout))


def test_a_run_of_some_parts_keeps_the_others_and_when_they_were_measured(checkout):
    before = load(results.published(checkout))
    after = results.keep(checkout, RUN, MEASURED)
    new = {"report", "click"}
    assert [each for each in after["figures"] if each["part"] not in new] == [
        each for each in before["figures"] if each["part"] not in new
    ]
    assert [each["name"] for each in after["figures"] if each["part"] in new] == [P50, "a click"]
    assert after["runs"][0] == {**RUN, "parts": "report click"}
    for run in before["runs"]:
        left = " ".join(part for part in run["parts"].split() if part not in new)
        assert {**run, "parts": left} in after["runs"]
    again = results.keep(checkout, {**RUN, "date": "2031-02-04"}, MEASURED[:1])
    assert [each["parts"] for each in again["runs"][:2]] == ["report", "click"]


def test_parts_that_are_kept_one_by_one_are_one_run(layout):
    for each in MEASURED:
        after = results.keep(layout, RUN, [each])
    assert after["runs"] == [{**RUN, "parts": "report click"}]
    assert results.figures_of(after) == MEASURED


def test_a_first_run_needs_no_earlier_figures(layout):
    found = results.keep(layout, RUN, MEASURED)
    assert found["runs"] == [{**RUN, "parts": "report click"}]
    assert results.figures_of(load(results.latest(layout))) == MEASURED


def test_publishing_makes_the_pages_true(checkout, capsys):
    changed = load(results.published(checkout))
    for each in changed["figures"]:
        each["value"] = None if each["part"] == "hang" else (each["value"] or 0) + 2000
    new = results.keep(checkout, RUN, results.figures_of(changed))
    figures.main(checkout, None)
    after = texts(checkout)
    assert load(results.published(checkout)) == new
    assert results.pages(checkout, new) == after
    assert len(capsys.readouterr().out.splitlines()) == len(after)
    document, readme = (after[checkout.root / name] for name in PAGES[1::-1])
    assert results.table(new) in document
    shown = [line for line in readme.splitlines() if line.startswith("| report | ")]
    assert shown
    assert all("| 2,0" in line and line in document for line in shown)
    assert "| not measured | MISSED |" in readme
    # A second time there is nothing to do
    results.publish(checkout)
    assert texts(checkout) == after


def test_nothing_is_published_before_a_run(checkout):
    before = texts(checkout)
    with pytest.raises(ToolError, match="run `make bench`"):
        figures.main(checkout, None)
    assert texts(checkout) == before


@pytest.mark.parametrize(
    ("name", "old", "new", "sentence"),
    [
        ("docs/benchmarks.md", results.END, "", "has no place for the table"),
        ("README.md", P50, "a figure of old", "'a figure of old', which report does not measure"),
        ("README.md", "\n| report |", f"\n| report | {P50} |" * 8 + "\n| report |", "leave 8"),
    ],
)
def test_a_page_without_a_place_leaves_all_of_them_as_they_were(checkout, name, old, new, sentence):
    results.keep(checkout, RUN, [])
    path = checkout.root / name
    path.write_text(path.read_text().replace(old, new, 1))
    before = texts(checkout)
    with pytest.raises(ToolError, match=sentence):
        figures.main(checkout, None)
    assert texts(checkout) == before


# The drawing


def bars(text):
    """Return the lengths of a drawing's bars, ours and the others'."""
    found = ElementTree.fromstring(text).iter("{http://www.w3.org/2000/svg}rect")
    kinds = {"ours": [], "others": [], "page": []}
    for each in found:
        kinds[each.get("class")].append(float(each.get("width")))
    return kinds["ours"], kinds["others"]


def named(**values):
    return [("report", Figure(name, value)) for name, value in values.items()]


def test_bars_are_as_long_as_what_they_show():
    ours, others = bars(
        drawing.draw(
            named(
                **{
                    P50: 0.5,
                    "report acknowledged: p50": 3,
                    "empty route: p50": 6,
                    "a second: reports": 800,
                    "a second: empty route": 400,
                    "a second: sms_twilio": 100,
                    "reports a second, to sms_twilio": 8,
                }
            )
        )
    )
    longest = drawing.LONGEST
    assert ours == [longest / 2, longest]
    assert others == [longest, longest / 2, longest / 8]


@pytest.mark.parametrize("found", [[], named(**{P50: None, "a second: reports": 3})])
def test_what_was_not_measured_is_left_out(found):
    text = drawing.draw(found)
    ElementTree.fromstring(text)
    assert "None" not in text


def test_everything_is_said_in_words_too():
    found = results.figures_of(load(results.published(LAYOUT)))
    description = ElementTree.fromstring(drawing.draw(found)).find("{*}desc").text
    rates = [each for _part, each in found if each.name == "reports a second, to sms_twilio"]
    assert f"airtel_ccp: {rates[0].value:.2f} times" in description
