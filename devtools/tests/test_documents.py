import re

import pytest

from devtools.bench.__main__ import last_table
from devtools.commands.guards import GUARDS
from devtools.machine.layout import LAYOUT

DOCUMENTS = (
    "README.md",
    "SECURITY.md",
    "docs/administrator.md",
    "docs/benchmarks.md",
    "docs/developer.md",
    "docs/reliability.md",
    "docs/sizing.md",
    "sandbox/README.md",
)
NAMED = re.compile(r"`((?:ccp/|devtools/|sandbox/)?tests/\w+\.py)((?:::\w+)*)`")
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_tests_that_are_named_are_there(name):
    for path, words in NAMED.findall((LAYOUT.root / name).read_text()):
        file = LAYOUT.root / path
        assert file.is_file(), path
        text = file.read_text()
        for word in filter(None, words.split("::")):
            assert re.search(rf"\b(?:def|class) {word}\b", text), f"{path}::{word}"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_lead_somewhere(name):
    document = LAYOUT.root / name
    for target in LINK.findall(document.read_text()):
        assert (document.parent / target).exists(), target


def test_the_page_on_reliability_lists_each_guard():
    text = (LAYOUT.root / "docs/reliability.md").read_text()
    for guard in GUARDS:
        assert f"| {guard.name} | `{guard.test}` |" in text, guard.name


def test_the_page_on_benchmarks_shows_the_last_one():
    assert last_table() in (LAYOUT.root / "docs/benchmarks.md").read_text(), (
        "python3 -m devtools.bench --markdown"
    )


def test_the_readme_shows_rows_of_the_last_benchmark():
    text = (LAYOUT.root / "README.md").read_text()
    rows = text.partition("## Benchmarks")[2].partition("## Development")[0]
    shown = [line for line in rows.splitlines() if line.startswith("|")]
    assert len(shown) == 10
    assert set(shown) <= set(last_table().splitlines())
