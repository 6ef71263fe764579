import json

from odoo.http import request

from odoo.addons.web.controllers.export import CSVExport, ExcelExport

ADDON = "airtel_ccp"
# A spreadsheet takes a text that begins with one of these for a formula
FORMULA_STARTS = ("=", "+", "-", "@", "{=", "\t", "\r", "\n")


def quoted(value):
    """Return what a cell is to hold, so that a spreadsheet shows a text and never runs it.

    :param value: what Odoo would write into it
    """
    is_formula = isinstance(value, str) and value.startswith(FORMULA_STARTS)
    return f"'{value}" if is_formula else value


def is_ours(model):
    """Return whether a model is one of this addon's.

    :param str model: its name
    """
    return request.env[model]._original_module == ADDON


def quoted_rows(rows):
    """Return the rows of a file; those of this addon's models without formulas.

    Names, numbers and words come from outside, and a spreadsheet runs a cell that begins with
    ``=``.
    """
    if not is_ours(json.loads(request.params["data"])["model"]):
        return rows
    return [[quoted(value) for value in row] for row in rows]


def quote_titles(node):
    """Do the same to the titles of groups, in place.

    :param odoo.addons.web.controllers.export.GroupsTreeNode node: a tree of groups
    """
    for child in node.children.values():
        quote_titles(child)
    node.data = quoted_rows(node.data)
    node.children = type(node.children)(
        (_quoted_title(title), child) for title, child in node.children.items()
    )


def _quoted_title(title):
    """Return the title of a group: a text, or the id and the name of a record."""
    if isinstance(title, tuple):
        return tuple(quoted(part) for part in title)
    return quoted(title)


class AirtelCcpCsvExport(CSVExport):
    """Writes csv files in which no text from outside is a formula."""

    def from_data(self, fields, columns_headers, rows):
        """Extension of `web`: texts that begin a formula are quoted."""
        return super().from_data(fields, columns_headers, quoted_rows(rows))


class AirtelCcpExcelExport(ExcelExport):
    """Writes workbooks in which no text from outside is a formula."""

    def from_data(self, fields, columns_headers, rows):
        """Extension of `web`: texts that begin a formula are quoted."""
        return super().from_data(fields, columns_headers, quoted_rows(rows))

    def from_group_data(self, fields, columns_headers, groups):
        """Extension of `web`: texts that begin a formula are quoted, also as titles of groups."""
        if is_ours(groups._model._name):
            quote_titles(groups)
        return super().from_group_data(fields, columns_headers, groups)
