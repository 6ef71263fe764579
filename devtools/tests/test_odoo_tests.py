import re

from devtools.machine.layout import ROOT


def test_odoos_runner_finds_every_test():
    """It finds what ``tests/__init__.py`` imports."""
    folder = ROOT / "tests"
    imported = re.findall(r"^ +(test_\w+),$", (folder / "__init__.py").read_text(), re.MULTILINE)
    assert imported == sorted(set(imported), key=imported.index), "imported twice"
    assert set(imported) == {path.stem for path in folder.glob("test_*.py")}
