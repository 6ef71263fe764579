import os
import sys
from pathlib import Path

import polib

from odoo.tests.common import get_db_name
from odoo.tools import config

from ...devtools.quality.terms import export

ROOT = Path(__file__).parents[2]


def test_template_names_every_term_of_the_code():
    odoo = [sys.executable, "-c", "from odoo.cli import main; main()"]
    text = export(odoo, Path(config.rcfile), ROOT.resolve(), get_db_name(), os.environ)
    now = {entry.msgid for entry in polib.pofile(text)}
    stored = {entry.msgid for entry in polib.pofile(str(ROOT / "i18n" / "airtel_ccp.pot"))}
    assert now
    assert not now - stored, "missing in the template: run make i18n"
    assert not stored - now, "no longer in the code: run make i18n"
