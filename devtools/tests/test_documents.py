import json
import re

import pytest

from devtools.bench.results import MOST_ROWS, figures_of, pages, published
from devtools.commands.guards import GUARDS
from devtools.machine.layout import LAYOUT

DOCUMENTS = (
    "README.md",
    "CODE_OF_CONDUCT.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "sandbox/README.md",
    *sorted(f"docs/{path.name}" for path in (LAYOUT.root / "docs").glob("*.md")),
)
CODE = re.compile(r"`([^`\n]+)`")
PATH = re.compile(r"[\w.-]+(?:/[\w.*-]*)+")
# Dotted names of the protocol's modules, of models and of their methods and fields
DOTTED = re.compile(r"ccp(?:\.\w+)+")
MODELS = re.compile(r"^    _name = \"(ccp\.[\w.]+)\"", re.MULTILINE)
# Files that a reader is asked to make
MADE = frozenset({"i18n/XX.po"})
NAMED = re.compile(r"`((?:ccp/|devtools/|sandbox/)?tests/\w+\.py)((?:::\w+)*)`")
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")
ANCHOR = re.compile(r"\]\((?!https?:)([^)#]*)#([^)]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
FENCED = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)


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


def anchors(path):
    """Return the anchors that GitHub gives a document's headings."""
    found = HEADING.findall(FENCED.sub("", path.read_text()))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in found}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_lead_to_a_heading(name):
    document = LAYOUT.root / name
    for target, anchor in ANCHOR.findall(document.read_text()):
        path = document.parent / target if target else document
        if path.suffix == ".md":
            assert anchor in anchors(path), f"{target}#{anchor}"


def test_the_glossary_has_the_hindi_words_of_the_translation():
    translated = (LAYOUT.root / "i18n/hi.po").read_text().replace('"\n"', "")
    rows = re.findall(
        r"^\| [^|]+ \| ([^|]+) \| [^|]+ \| [^|]*\|$",
        (LAYOUT.root / "docs/glossary.md").read_text(),
        re.MULTILINE,
    )
    words = [word for word in rows if word != "Hindi"]
    assert words
    for word in words:
        assert word in translated, word


def spans(name):
    """Return what a document has between backticks."""
    return CODE.findall((LAYOUT.root / name).read_text())


@pytest.fixture(scope="module")
def sources():
    """All Python of the models, by path."""
    folders = ("models", "wizard")
    return {
        path: path.read_text() for folder in folders for path in (LAYOUT.root / folder).glob("*.py")
    }


@pytest.mark.parametrize("name", DOCUMENTS)
def test_paths_that_are_named_are_there(name):
    tops = {path.name for path in LAYOUT.root.iterdir() if path.is_dir()} - {".dev", ".git"}
    for text in spans(name):
        path = text.split("::")[0]
        if PATH.fullmatch(path) and path.split("/")[0] in tops and path not in MADE:
            assert any(LAYOUT.root.glob(path)), path


@pytest.mark.parametrize("name", (*DOCUMENTS, "CHANGELOG.md"))
def test_targets_that_are_named_are_there(name):
    makefile = (LAYOUT.root / "Makefile").read_text()
    targets = set(re.search(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)[1].split())
    text = (LAYOUT.root / name).read_text()
    named = re.findall(r"(?:`|^)make ([a-z][a-z0-9-]*)", text, re.MULTILINE)
    assert set(named) <= targets


@pytest.mark.parametrize("name", DOCUMENTS)
def test_modules_models_and_methods_that_are_named_are_there(name, sources):
    models = {found for text in sources.values() for found in MODELS.findall(text)}
    for text in spans(name):
        for dotted in filter(DOTTED.fullmatch, [text, text.partition("(")[0]]):
            assert dotted in models or _is_of_model(dotted, models, sources) or _is_plain(dotted), (
                dotted
            )


def _is_of_model(dotted, models, sources):
    """Whether this is a method or field of a model."""
    model, _dot, word = dotted.rpartition(".")
    pattern = re.compile(rf"^    (?:def {word}\(|{word} = )", re.MULTILINE)
    names = (f'_name = "{model}"', f'_inherit = "{model}"')
    return model in models and any(
        pattern.search(text) for text in sources.values() if any(name in text for name in names)
    )


def _is_plain(dotted):
    """Whether this is a module of the protocol, or something that one defines."""
    for parts in (dotted.split("."), dotted.split(".")[:-1]):
        path = LAYOUT.root.joinpath(*parts)
        file = path.with_suffix(".py")
        if len(parts) == dotted.count(".") + 1 and (file.is_file() or path.is_dir()):
            return True
        if file.is_file():
            word = dotted.rpartition(".")[2]
            return bool(re.search(rf"^(?:def |class )?{word}\b", file.read_text(), re.MULTILINE))
    return False


def test_the_page_on_reliability_lists_each_guard():
    text = (LAYOUT.root / "docs/reliability.md").read_text()
    for guard in GUARDS:
        assert f"| {guard.name} | `{guard.test}` |" in text, guard.name


def test_the_published_figures_are_shown_everywhere():
    for path, text in pages(LAYOUT, json.loads(published(LAYOUT).read_text())).items():
        assert path.read_text() == text, f"run `make figures`: {path.name}"


def test_the_readme_shows_some_figures():
    text = (LAYOUT.root / "README.md").read_text()
    section = text.partition("\n## Figures\n")[2].partition("\n## ")[0]
    shown = [line for line in section.splitlines() if line.startswith("|")]
    assert 2 < len(shown) <= 2 + MOST_ROWS
    assert "(docs/images/figures.svg)" in section


def test_each_figure_with_a_goal_is_explained_in_two_sentences():
    text = (LAYOUT.root / "docs/benchmarks.md").read_text()
    section = text.partition("\n## What they mean\n")[2].partition("\n## ")[0]
    beginnings = []
    for item in section.split("\n- ")[1:]:
        names, _colon, words = re.sub(r"\s+", " ", item).partition(": ")
        beginnings += re.findall(r"\*\*(.+?)\*\*", names)
        assert 1 <= len(re.findall(r"\.(?= |$)", words)) <= 2, item
    found = figures_of(json.loads(published(LAYOUT).read_text()))
    for name in [each.name for _part, each in found if each.met is not None]:
        assert name.startswith(tuple(beginnings)), name
