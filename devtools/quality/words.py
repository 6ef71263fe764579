"""Finds words that make a reader stop, and terms that have another name here.

Only prose is read: comments, docstrings, texts that users see, and Markdown. Names in code are left
alone, and so are code in backticks and text in double quotes, such as the words of Airtel's
specification.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

# Lists the words that must not be used
GLOSSARY = PurePosixPath("docs/glossary.md")
# Pages for programmers
TECHNICAL = frozenset(
    map(
        PurePosixPath,
        ("docs/benchmarks.md", "docs/developer.md", "docs/reliability.md", "sandbox/README.md"),
    )
)


@dataclass(frozen=True)
class Word:
    """A word or phrase, and what to write instead.

    :ivar pattern: a regular expression; a blank in it stands for any white space
    :ivar instead: the usual word
    :ivar is_cased: whether capital letters count
    :ivar only_shown: whether comments and pages for programmers may have it, because programmers
        use it in another sense
    """

    pattern: str
    instead: str
    is_cased: bool = False
    only_shown: bool = False


WORDS = (
    Word(r"utili[sz](?:e[ds]?|ing|ation)", "use"),
    Word(r"leverag(?:e[ds]?|ing)", "use"),
    Word(r"in order to", "to"),
    Word(r"prior to", "before"),
    Word(r"subsequent to", "after"),
    Word(r"in the event that", "if"),
    Word(r"due to the fact that", "because"),
    Word(r"as per", "by, or as ... says"),
    Word(r"commenc(?:e[ds]?|ing)", "begin"),
    Word(r"facilitat(?:e[ds]?|ing)", "help, or make possible"),
    Word(r"functionalit(?:y|ies)", "function, or what it does"),
    Word(r"seamless(?:ly)?", "what happens, in plain words"),
    Word(r"please note that|it should be noted that", "the sentence without it"),
    Word(r"whilst", "while"),
    Word(r"amongst", "among"),
    Word(r"(?:there|here|where)(?:of|by|in|upon|with)|hitherto|henceforth", "a plain sentence"),
    Word(r"aforementioned", "this"),
    Word(r"whose turn", "who must act"),
    Word(r"what (?:becomes|became) of", "the result of, or how ... ended"),
    Word(r"t(?:ak(?:es?|en|ing)|ook)(?: \w+){0,3} up again", "recompute, or continue"),
    Word(r"(?:it|that|which) (?:is|are) none|(?:is|are) none of", "what it is, or is not"),
    Word(r"present (?:user|reader)", "current user"),
    # Terms of the glossary
    Word(r"tele-?callers?|(?:call|phone) operators?|sales agents?", "agent"),
    Word(r"(?:phone call|contact) cent(?:er|re)s?", "team, or company"),
    Word(r"callbacks?", "call-back", only_shown=True),
    Word(r"DIDs?", "Airtel number", is_cased=True),
    Word(r"virtual (?:phone )?numbers?", "Airtel number"),
    Word(r"caller ids?", "caller number"),
    Word(r"dispositions?", "outcome"),
    Word(r"[Hh]angups?", "hang up, or the end of the call", is_cased=True),
    Word(r"lead times?", "how long it takes"),
    Word(r"sales persons?", "salesperson"),
)

_SIGNS = ("#", "//", "*")
# A phrase in a comment may go on behind the next line's sign
_BLANK = r"(?:\s+(?:(?:#|//|\*)\s+)?)"


def _compiled(word: Word) -> re.Pattern:
    """Return the pattern of a word that is not part of a name, path or address."""
    spaced = word.pattern.replace(" ", _BLANK)
    flags = 0 if word.is_cased else re.IGNORECASE
    return re.compile(rf"(?<![\w./@-])(?:{spaced})(?![\w/@(=-]|\.\w)", flags)


_PATTERNS = tuple((word, _compiled(word)) for word in WORDS)
# Most texts have none of them, which one pattern finds out faster
_ANY = re.compile("|".join(pattern.pattern for _word, pattern in _PATTERNS), re.IGNORECASE)
_NOT_PROSE = re.compile(r"""``.+?``|`[^`]*`|"[^"\n]{1,80}"|“[^”]{1,80}”|%\(\w+\)s""", re.DOTALL)
_FENCED = re.compile(r"^ *(```|~~~).*?^ *\1", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\]\([^)\s]*|<?https?://\S+")
_JS_TEXT = re.compile(
    r"(?P<comment>//[^\n]*(?:\n\s*//[^\n]*)*|/\*.*?\*/)"
    r"|\"(?P<double>(?:\\.|[^\"\\\n])*)\"|'(?P<single>(?:\\.|[^'\\\n])*)'",
    re.DOTALL,
)
_XML_TEXT = re.compile(
    r"<!--(?P<comment>.*?)-->"
    r"|\b(?:string|help|title|placeholder|confirm|alt|name|aria-label)=\"(?P<value>[^\"]* [^\"]*)\""
    r"|>(?P<text>[^<>]*\w[^<>]*)<",
    re.DOTALL,
)


@dataclass(frozen=True)
class _Piece:
    """A text, the line on which it begins, and whether users see it."""

    line: int
    text: str
    is_shown: bool = False


def words(path: PurePosixPath, text: str) -> Iterator[tuple[int, str]]:
    """No word that has a plainer or a usual one."""
    read = _READERS.get(path.suffix)
    if read is None or path == GLOSSARY:
        return
    for piece in read(text):
        is_shown = piece.is_shown and path not in TECHNICAL
        prose = _NOT_PROSE.sub(_blanked, piece.text)
        if not _ANY.search(prose):
            continue
        for word, pattern in _PATTERNS:
            if word.only_shown and not is_shown:
                continue
            for match in pattern.finditer(prose):
                found = " ".join(part for part in match[0].split() if part not in _SIGNS)
                line = piece.line + prose.count("\n", 0, match.start())
                yield line, f"says {found!r}: write {word.instead}"


def _blanked(match: re.Match) -> str:
    """Return blanks of the same length, on the same lines."""
    return re.sub(r"[^\n]", " ", match[0])


def _line_of(text: str, position: int) -> int:
    return 1 + text.count("\n", 0, position)


def _python(text: str) -> Iterator[_Piece]:
    comments: list[tokenize.TokenInfo] = []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            if comments and token.start[0] != comments[-1].start[0] + 1:
                yield _comment(comments)
                comments = []
            comments.append(token)
    if comments:
        yield _comment(comments)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr):
            yield from _constants([node.value], is_shown=False)
        elif isinstance(node, ast.Call):
            named = node.func.attr if isinstance(node.func, ast.Attribute) else node.func
            if named == "_" or (isinstance(named, ast.Name) and named.id == "_"):
                yield from _constants(node.args, is_shown=True)
            values = [each.value for each in node.keywords if each.arg in ("help", "string")]
            yield from _constants(values, is_shown=True)


def _comment(tokens: list[tokenize.TokenInfo]) -> _Piece:
    return _Piece(tokens[0].start[0], "\n".join(token.string for token in tokens))


def _constants(nodes: list[ast.expr], *, is_shown: bool) -> Iterator[_Piece]:
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield _Piece(node.lineno, node.value, is_shown)


def _javascript(text: str) -> Iterator[_Piece]:
    for match in _JS_TEXT.finditer(text):
        content = match[match.lastgroup]
        is_comment = match.lastgroup == "comment"
        if is_comment or " " in content:
            yield _Piece(_line_of(text, match.start()), content, not is_comment)


def _xml(text: str) -> Iterator[_Piece]:
    for match in _XML_TEXT.finditer(text):
        line = _line_of(text, match.start(match.lastgroup))
        yield _Piece(line, match[match.lastgroup], match.lastgroup != "comment")


def _markdown(text: str) -> Iterator[_Piece]:
    yield _Piece(1, _LINK.sub(_blanked, _FENCED.sub(_blanked, text)), is_shown=True)


_READERS = {
    ".py": _python,
    ".js": _javascript,
    ".xml": _xml,
    ".html": _xml,
    ".md": _markdown,
}
