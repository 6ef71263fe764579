"""House rules that no general linter knows.

Each check looks at one file's text and returns the places that break its rule.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

TEXT_SUFFIXES = frozenset(
    ".cfg .csv .css .html .ini .js .json .md .mjs .po .pot .py .rst .scss .sh .sql .toml .txt .xml "
    ".yaml .yml".split()
)
# Texts of others, kept as they are.
FOREIGN = frozenset({"LICENSE"})
_REGISTRY = re.compile(
    r"//[a-z0-9.-]*(?:debian|pypi|pythonhosted|npmjs|nodesource)[a-z0-9.-]*\.(?:org|com|io)"
)
_MACHINE_PATH = re.compile(r"(?<![\w.$}])/(?:home/\w|root/|Users/\w)")
_LEFT_FOR_LATER = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|X" + r"XX)\b")


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


def _matches(pattern: re.Pattern, text: str, message: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.splitlines(), 1):
        if pattern.search(line):
            yield number, message


def one_model_a_file(path: PurePosixPath, text: str) -> Iterator[tuple[int, str]]:
    """One Odoo model a file."""
    if path.suffix != ".py" or path.parts[0] not in {"models", "wizard"}:
        return
    models = [node for node in ast.parse(text).body if _is_model(node)]
    for node in models[1:]:
        yield node.lineno, f"is the file's second model, {node.name}"


def _is_model(node: ast.stmt) -> bool:
    if not isinstance(node, ast.ClassDef):
        return False
    names = {
        target.id
        for statement in node.body
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        if isinstance(target, ast.Name)
    }
    return bool(names & {"_name", "_inherit"})


CHECKS: tuple[Check, ...] = (
    layers,
    odoo_tests,
    registries,
    machine_paths,
    left_for_later,
    one_model_a_file,
)


def check_text(path: PurePosixPath, text: str) -> list[Finding]:
    """Apply every check to one file."""
    return sorted(
        Finding(str(path), line, message) for check in CHECKS for line, message in check(path, text)
    )


def unlisted_tests(root: Path, paths: Iterable[PurePosixPath]) -> list[Finding]:
    """Return the files of tests that ``tests/__init__.py`` does not import.

    Odoo's own runner finds what that file imports, and is silent about the rest.

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
    """Apply every check to files of the repository; what is no text is passed over.

    :param paths: relative to ``root``.
    """
    paths = list(paths)
    found = unlisted_tests(root, paths)
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
    return found
