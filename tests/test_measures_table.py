import re
from pathlib import Path

from odoo.tests import TransactionCase, tagged

from ..models.measures import MEASURES, PARTS, TILES

DOCUMENT = Path(__file__).parents[1] / "docs" / "measures.md"
# Sums of Odoo's own, without a formula
PLAIN = {"pulses", "cost"}


@tagged("post_install", "-at_install")
class TestMeasuresTable(TransactionCase):
    """The one table of measures, the documentation, the fields and the dashboard agree."""

    def rows(self):
        """Return the cells of the documentation's rows that name something technical first."""
        lines = DOCUMENT.read_text(encoding="utf-8").splitlines()
        return [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if "`" in line]

    def test_documentation(self):
        found = {
            row[1].strip("`"): (row[4], row[5].strip("`")) for row in self.rows() if len(row) == 6
        }
        self.assertEqual(set(found), {*MEASURES, *PLAIN})
        for name, measure in MEASURES.items():
            self.assertEqual(found[name], (measure.unit, measure.formula), name)

    def test_documentation_of_parts(self):
        found = {row[0].strip("`") for row in self.rows() if len(row) == 2}
        named = {
            part
            for measure in MEASURES.values()
            for part in re.findall(r"[a-z_]+", measure.formula)
        }
        self.assertEqual(found, named)
        self.assertLessEqual(found, set(PARTS))

    def test_fields(self):
        for model in ("ccp.call", "ccp.call.daily"):
            for name, measure in MEASURES.items():
                field = self.env[model]._fields[name]
                self.assertEqual(field.aggregator, measure.aggregator, (model, name))
        calls, report = self.env["ccp.call"]._fields, self.env["ccp.call.daily"]._fields
        for name in {*report} - {"id", "display_name"}:
            self.assertEqual(report[name].type, calls[name].type, name)
            self.assertEqual(report[name].string, calls[name].string, name)

    def test_tiles(self):
        self.assertEqual(list(TILES), list(self.env["ccp.dashboard"]._labels()))
        nothing = dict.fromkeys(PARTS, 0)
        for measure in TILES.values():
            self.assertTrue(measure.behind)
            self.assertIn(measure.value(nothing), (0, None))
