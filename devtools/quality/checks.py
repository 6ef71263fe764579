"""House rules that no general linter knows.

Most checks look at one file's text and return the places that break their rule; one looks at all
models together.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from .words import words

TEXT_SUFFIXES = frozenset(
    ".cfg .csv .css .html .ini .js .json .md .mjs .po .pot .py .rst .scss .sh .sql .toml .txt .xml "
    ".yaml .yml".split()
)
# Texts by other people, which stay unchanged.
FOREIGN = frozenset({"LICENSE"})
_REGISTRY = re.compile(
    r"//[a-z0-9.-]*(?:debian|pypi|pythonhosted|npmjs|nodesource)[a-z0-9.-]*\.(?:org|com|io)"
)
_MACHINE_PATH = re.compile(r"(?<![\w.$}])/(?:home/\w|root/|Users/\w)")
_LEFT_FOR_LATER = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|X" + r"XX)\b")
# Statements with which a test writes rows that the product may never write in this form
_CALL_ROW = re.compile(
    r"""["']ccp\.call(?:\.event)?["']\](?:\.\w+\([^()]*\))*\.create\("""
    r"""|\b(?:INSERT\s+INTO|UPDATE)\s+(?:ccp_call|ccp_call_event)\b"""
)
# Shared helpers; tests with too many rows for the product's own methods; rows of earlier versions,
# of old reports, or of reports of which only the row matters
_OWN_ROWS = frozenset(
    {
        "tests/common.py",
        "tests/live/server.py",
        "tests/live/test_cut_off_fold.py",
        "tests/live/test_listening.py",
        "tests/live/test_restart_and_update.py",
        "tests/live/test_seen_at_once.py",
        "tests/live/test_set_aside.py",
        "tests/live/test_upgrade.py",
        "tests/live/test_whole_database.py",
        "tests/rights.py",
        "tests/test_bounds.py",
        "tests/test_card.py",
        "tests/test_daily.py",
        "tests/test_digest.py",
        "tests/test_logs.py",
        "tests/test_one_word.py",
        "tests/test_plans.py",
        "tests/test_query_budgets.py",
        "tests/test_retention.py",
    }
)


@dataclass(frozen=True, order=True)
class Finding:
    """A broken rule.

    :param path: relative to the repository's root.
    """

    path: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text}"


Check = Callable[[PurePosixPath, str], Iterator[tuple[int, str]]]


def _imports(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield line, level and dotted name of every import; the level counts leading dots."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, 0, alias.name
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            for alias in node.names:
                yield node.lineno, node.level, f"{module}.{alias.name}".strip(".")


def _reaches(path: PurePosixPath, level: int, name: str) -> str:
    """Return the top of what an import reaches: a package of the repository, or the name's head."""
    if level:
        folders = path.parts[:-1]
        kept = folders[: len(folders) - (level - 1)]
        return ".".join((*kept, name)).split(".")[0]
    parts = name.split(".")
    return parts[2] if parts[:2] == ["odoo", "addons"] and len(parts) > 3 else parts[0]


def _foreign_imports(
    path: PurePosixPath, text: str, forbidden: dict[str, frozenset[str]]
) -> Iterator[tuple[int, str]]:
    package = path.parts[0]
    if path.suffix != ".py" or package not in forbidden:
        return
    for line, level, name in _imports(text):
        parts = name.split(".")
        reached = _reaches(path, level, name)
        hit = {reached, parts[0]} & forbidden[package]
        if parts[:3] == ["odoo", "addons", "airtel_ccp"]:
            hit |= set(parts[3:4]) & forbidden[package]
        if hit:
            yield line, f"{package}/ imports {sorted(hit)[0]}"


def layers(path: PurePosixPath, text: str) -> Iterator[tuple[int, str]]:
    """``ccp/`` imports nothing from Odoo; ``ccp/`` and ``sandbox/`` never import each other."""
    addon = frozenset({"odoo", "models", "controllers", "wizard"})
    forbidden = {"ccp": addon | {"sandbox"}, "sandbox": addon | {"ccp"}}
    return _foreign_imports(path, text, forbidden)


def odoo_tests(path: PurePosixPath, text: str) -> Iterator[tuple[int, str]]:
    """Tests that Odoo's own runner finds need nothing but Odoo: others are in ``tests/live``."""
    if path.parts[:2] != ("tests", "live"):
        forbidden = {"tests": frozenset({"devtools", "hypothesis", "live", "pytest"})}
        yield from _foreign_imports(path, text, forbidden)


def translations(path: PurePosixPath, text: str) -> Iterator[tuple[int, str]]:
    """Texts are translated with ``self.env._``, which knows the reader's language."""
    if path.suffix == ".py" and "odoo" in text:
        for line, level, name in _imports(text):
            if not level and name in {"odoo._", "odoo.tools.translate._"}:
                yield line, "imports the _ of Odoo: use self.env._"


def registries(path: PurePosixPath, text: str) -> Iterator[tuple[int, str]]:
    """No package registry or mirror is named by its host."""
    return _matches(_REGISTRY, text, "names a package registry by its host")


def machine_paths(path: PurePosixPath, text: str) -> Iterator[tuple[int, str]]:
    """No path of somebody's machine."""
    return _matches(_MACHINE_PATH, text, "names a path of one machine")


def left_for_later(path: PurePosixPath, text: str) -> Iterator[tuple[int, str]]:
    """Nothing is left for later in code."""
    if path.suffix in {".py", ".js", ".xml", ".scss"}:
        yield from _matches(_LEFT_FOR_LATER, text, "is left for later")


def rows_of_calls(path: PurePosixPath, text: str) -> Iterator[tuple[int, str]]:
    """Tests create calls and reports through the product, or through ``tests/common.py``."""
    if path.parts[0] == "tests" and str(path) not in _OWN_ROWS:
        message = "writes rows of calls itself: use the product's doors or tests/common.py"
        yield from _matches(_CALL_ROW, text, message)


def _matches(pattern: re.Pattern, text: str, message: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.splitlines(), 1):
        if pattern.search(line):
            yield number, message


def one_model_a_file(path: PurePosixPath, text: str) -> Iterator[tuple[int, str]]:
    """One Odoo model a file."""
    if not _may_hold_models(path):
        return
    for node in _model_classes(text)[1:]:
        yield node.lineno, f"is the file's second model, {node.name}"


def _may_hold_models(path: PurePosixPath) -> bool:
    return path.suffix == ".py" and path.parts[0] in {"models", "wizard"}


def _model_classes(text: str) -> list[ast.ClassDef]:
    return [
        node
        for node in ast.parse(text).body
        if isinstance(node, ast.ClassDef) and _declared(node).keys() & {"_name", "_inherit"}
    ]


def _declared(node: ast.ClassDef) -> dict[str, ast.expr]:
    """Return the attributes that a class sets, and the expressions it sets them to."""
    return {
        target.id: statement.value
        for statement in node.body
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        if isinstance(target, ast.Name)
    }


class _Definition(NamedTuple):
    """A method of a model, and whether it calls ``super()``."""

    path: PurePosixPath
    line: int
    calls_super: bool


def _methods(text: str) -> Iterator[tuple[str, str, int, bool]]:
    """Yield model, name, line and whether it calls ``super()`` of each method of a file's models.

    A class with both names defines or extends the model in ``_name``; what it inherits beside that
    is a mixin, whose methods it may replace.
    """
    for node in _model_classes(text):
        declared = _declared(node)
        named = declared.get("_name") or declared["_inherit"]
        if not (isinstance(named, ast.Constant) and isinstance(named.value, str)):
            continue
        for method in node.body:
            if isinstance(method, ast.FunctionDef):
                calls_super = any(
                    isinstance(each, ast.Call)
                    and isinstance(each.func, ast.Name)
                    and each.func.id == "super"
                    for each in ast.walk(method)
                )
                yield named.value, method.name, method.lineno, calls_super


def methods_defined_twice(texts: Mapping[PurePosixPath, str]) -> Iterator[Finding]:
    """No file replaces a method that another file defines on the same model.

    Odoo keeps the one that was imported last and says nothing. A definition that calls ``super()``
    extends the other one and is fine.

    :param texts: the files' texts by their paths
    """
    definitions: dict[tuple[str, str], list[_Definition]] = {}
    for path, text in texts.items():
        if _may_hold_models(path):
            for model, name, line, calls_super in _methods(text):
                found = definitions.setdefault((model, name), [])
                found.append(_Definition(path, line, calls_super))
    for (model, name), found in definitions.items():
        first, *others = sorted(each for each in found if not each.calls_super) or [None]
        for each in others:
            yield Finding(
                str(each.path), each.line, f"defines {name} of {model} again, after {first.path}"
            )


CHECKS: tuple[Check, ...] = (
    layers,
    odoo_tests,
    translations,
    registries,
    machine_paths,
    left_for_later,
    one_model_a_file,
    rows_of_calls,
    words,
)


def check_text(path: PurePosixPath, text: str) -> list[Finding]:
    """Apply every check to one file."""
    return sorted(
        Finding(str(path), line, message) for check in CHECKS for line, message in check(path, text)
    )


def unlisted_tests(root: Path, paths: Iterable[PurePosixPath]) -> list[Finding]:
    """Return the files of tests that ``tests/__init__.py`` does not import.

    Odoo's own runner only finds what that file imports, and does not mention the rest.

    :param paths: relative to ``root``.
    """
    folder = PurePosixPath("tests")
    listing = root / folder / "__init__.py"
    text = listing.read_text(encoding="utf-8") if listing.exists() else ""
    imported = {name for _line, level, name in _imports(text) if level == 1}
    return [
        Finding(str(path), 1, "is not imported in tests/__init__.py")
        for path in paths
        if path.parent == folder and path.match("test_*.py") and path.stem not in imported
    ]


def check_files(root: Path, paths: Iterable[PurePosixPath]) -> list[Finding]:
    """Apply every check to files of the repository that contain text.

    :param paths: relative to ``root``.
    """
    paths = list(paths)
    found = unlisted_tests(root, paths)
    texts = {}
    for path in paths:
        if path.name in FOREIGN or (path.suffix and path.suffix not in TEXT_SUFFIXES):
            continue
        try:
            text = (root / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            if path.suffix:
                found.append(Finding(str(path), 1, "is not UTF-8"))
            continue
        found += check_text(path, text)
        texts[path] = text
    return [*found, *sorted(methods_defined_twice(texts))]
