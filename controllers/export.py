import json

from odoo.http import request

from odoo.addons.web.controllers.export import CSVExport, ExcelExport

ADDON = "airtel_ccp"
# Spreadsheets treat a text that begins with one of these as a formula
FORMULA_STARTS = ("=", "+", "-", "@", "{=", "\t", "\r", "\n")


def quoted(value):
    """Return a cell's value, changed if needed so that a spreadsheet shows it and never runs it.

    :param value: the value that Odoo would write
    """
    is_formula = isinstance(value, str) and value.startswith(FORMULA_STARTS)
    return f"'{value}" if is_formula else value


def is_ours(model):
    """Return whether a model belongs to this addon.

    :param str model: its name
    """
    return request.env[model]._original_module == ADDON


def quoted_rows(rows):
    """Return a file's rows, those of this addon's models without formulas.

    Names, numbers and texts come from outside, and a spreadsheet runs a cell that begins with
    ``=``.
    """
    if not is_ours(json.loads(request.params["data"])["model"]):
        return rows
    return [[quoted(value) for value in row] for row in rows]


def quote_titles(node):
    """Quote the titles of groups, in place.

    :param odoo.addons.web.controllers.export.GroupsTreeNode node: a tree of groups
    """
    for child in node.children.values():
        quote_titles(child)
    node.data = quoted_rows(node.data)
    node.children = type(node.children)(
        (_quoted_title(title), child) for title, child in node.children.items()
    )


def _quoted_title(title):
    """Return a group's title without a formula: a text, or a record's id and name."""
    if isinstance(title, tuple):
        return tuple(quoted(part) for part in title)
    return quoted(title)


class AirtelCcpCsvExport(CSVExport):
    """Writes csv files in which no text from outside becomes a formula."""

    def from_data(self, fields, columns_headers, rows):
        """Quote texts that would become formulas; extends `web`."""
        return super().from_data(fields, columns_headers, quoted_rows(rows))


class AirtelCcpExcelExport(ExcelExport):
    """Writes workbooks in which no text from outside becomes a formula."""

    def from_data(self, fields, columns_headers, rows):
        """Quote texts that would become formulas; extends `web`."""
        return super().from_data(fields, columns_headers, quoted_rows(rows))

    def from_group_data(self, fields, columns_headers, groups):
        """Quote texts that would become formulas, also titles of groups; extends `web`."""
        if is_ours(groups._model._name):
            quote_titles(groups)
        return super().from_group_data(fields, columns_headers, groups)
