from odoo import fields
from odoo.tools import SQL


class CcpCallCount(fields.Integer):
    """A number of calls without a column: the statement that reads the record counts them.

    So it costs a form no statement of its own, and there is nothing to be kept up to date. It is
    counted only where it is asked for by name; nobody can write it. How it is counted, the model's
    ``_ccp_call_count_sql`` says.
    """

    readonly = True
    copy = False
    prefetch = False
    aggregator = None
    _depends_context = ("uid", "allowed_company_ids")

    def to_sql(self, model, alias):
        """Return the SQL that counts, see Odoo's method of the same name."""
        return model._ccp_call_count_sql(alias)

    def update_db(self, model, columns):
        """Leave the table without a column, see Odoo's method of the same name."""
        if self.name in columns:
            # A new table gets a column for each field that can be read by SQL
            model.env.cr.execute(
                SQL(
                    "ALTER TABLE %s DROP COLUMN %s",
                    SQL.identifier(model._table),
                    SQL.identifier(self.name),
                )
            )
        return False

    def write(self, records, value):
        """Write a value to no record: there is no place for it."""
        return super().write(records.browse(), value)
