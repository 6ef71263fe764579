from devtools.commands.guards import GUARDS, outcome
from devtools.machine.layout import LAYOUT


def test_a_removal_is_caught_or_not():
    guard = GUARDS[0]
    assert outcome(guard, "assert 1 == 2").startswith(f"caught      {guard.name}: ")
    assert outcome(guard, "assert 1 == 2").endswith("assert 1 == 2")
    assert outcome(guard, "") == f"NOT CAUGHT  {guard.name}: {guard.test}"


def test_the_page_on_reliability_uses_the_same_word():
    text = (LAYOUT.root / "docs/reliability.md").read_text()
    section = text.partition("catches its removal")[2].partition("| guard |")[0]
    assert "caught" in section
    assert "missed" not in section
    assert "noticed" not in section
