import re
from pathlib import PurePosixPath

import pytest

from devtools.quality.checks import check_text
from devtools.quality.words import GLOSSARY, WORDS, words

PHRASE = "what becomes of the call"
FOUND = "says 'what becomes of': write the result of, or how ... ended"


def found(path, text):
    return list(words(PurePosixPath(path), text))


@pytest.mark.parametrize(
    ("path", "text", "line"),
    [
        ("models/a.py", f'"""Return {PHRASE}."""', 1),
        ("models/a.py", f'def f():\n    """Do it.\n\n    It says {PHRASE}.\n    """', 4),
        ("models/a.py", f"x = 1\n# It says {PHRASE}\n", 2),
        ("models/a.py", f"x = 1  # {PHRASE}", 1),
        ("models/a.py", "x = 1\n# It says what\n# becomes of the call\n", 2),
        ("models/a.py", f"class A:\n    b = 1\n    '''It is {PHRASE}.'''", 3),
        ("models/a.py", f"self.env._('It says {PHRASE}')", 1),
        ("models/a.py", "_(\n    'It says what '\n    'becomes of it'\n)", 2),
        ("models/a.py", f"fields.Char(help='It is {PHRASE}')", 1),
        ("static/src/a.js", f"/**\n * It says {PHRASE}.\n */", 2),
        ("static/src/a.js", "// It says what\n// becomes of it\n", 1),
        ("static/src/a.js", f'f();\n_t("It says {PHRASE}")', 2),
        ("static/src/a.js", f"_t('It says {PHRASE}')", 1),
        ("views/a.xml", f"<odoo>\n<p>\nIt says {PHRASE}</p></odoo>", 3),
        ("views/a.xml", f'<menuitem\n    name="See {PHRASE}" />', 2),
        ("views/a.xml", f"<odoo><!-- {PHRASE} --></odoo>", 1),
        ("docs/rep.md", f"# Title\n\nIt says *{PHRASE}*.", 3),
        ("docs/rep.md", "It says what becomes\nof it.", 1),
        ("README.md", f"```sh\nrun\n```\nIt says {PHRASE}.", 4),
    ],
)
def test_a_phrase_is_found_in_prose(path, text, line):
    assert found(path, text) == [(line, FOUND)]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("models/a.py", f"x = 'It says {PHRASE}'"),
        ("models/a.py", f'# The specification says "{PHRASE}"\nx = 1'),
        ("models/a.py", f"# It was called ``{PHRASE}`` before\nx = 1"),
        ("models/a.py", "# It was `hangup`, hangup_by, event.hangup and /hangup/ before\nx = 1"),
        ("models/a.py", "# A disposition=form-data or Content-Disposition\nx = 1"),
        ("models/a.py", "# The callback receives the answer\nx = 1"),
        ("models/a.py", "# It did, and the result is None\nx = 1"),
        ("static/src/a.js", "const hangup = callbacks.utilize(thereby);"),
        ("static/src/a.js", '_t("%(callbacks)s call-backs", { callbacks })'),
        ("views/a.xml", '<field name="callback_id" operator="child_of" />'),
        ("docs/rep.md", f"```\n{PHRASE}\n```\n"),
        ("docs/rep.md", "See [the page](docs/hangup/callback.md) and https://x.in/hangup."),
        ("docs/developer.md", "The client takes a callback."),
        ("a.po", f'msgstr "{PHRASE}"'),
        (str(GLOSSARY), f"Write the result, not {PHRASE}."),
    ],
)
def test_names_quotations_and_code_are_left_alone(path, text):
    assert found(path, text) == []


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ("We utilise this", "use"),
        ("Click in order to call", "to"),
        ("Leveraging Airtel", "use"),
        ("It says whose turn it is", "who must act"),
        ("Take these calls up again", "recompute, or continue"),
        ("Calls taken up again", "recompute, or continue"),
        ("an address that is none", "what it is, or is not"),
        ("The telecaller picks up", "agent"),
        ("a phone call center", "team, or company"),
        ("an open callback", "call-back"),
        ("Your DID rings", "Airtel number"),
        ("a virtual number", "Airtel number"),
        ("the caller ID", "caller number"),
        ("a call's disposition", "outcome"),
        ("after the hangup", "hang up, or the end of the call"),
        ("a long lead time", "how long it takes"),
    ],
)
def test_what_to_write_instead(text, instead):
    ((line, message),) = found("docs/rep.md", text)
    assert line == 1
    assert message.endswith(f": write {instead}")


def test_each_word_once():
    patterns = [word.pattern for word in WORDS]
    assert len(set(patterns)) == len(patterns)
    assert all(re.compile(pattern) for pattern in patterns)


def test_it_is_one_of_the_house_rules():
    findings = check_text(PurePosixPath("docs/rep.md"), f"It says {PHRASE}.")
    assert [str(finding) for finding in findings] == [f"docs/rep.md:1: {FOUND}"]
