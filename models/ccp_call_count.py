from odoo import fields
from odoo.tools import SQL


class CcpCallCount(fields.Integer):
    """A number of calls without a column: the statement that reads the record counts them.

    A form needs no further statement, and no stored number has to be kept up to date. The field is
    computed only when it is asked for by name, and cannot be written. The model's
    ``_ccp_call_count_sql`` returns the SQL that counts.
    """

    readonly = True
    copy = False
    prefetch = False
    aggregator = None
    _depends_context = ("uid", "allowed_company_ids")

    def to_sql(self, model, alias):
        """Return the SQL that counts; overrides Odoo's method."""
        return model._ccp_call_count_sql(alias)

    def update_db(self, model, columns):
        """Add no column to the table; overrides Odoo's method."""
        if self.name in columns:
            # Odoo gives a new table a column for each field that SQL can read
            model.env.cr.execute(
                SQL(
                    "ALTER TABLE %s DROP COLUMN %s",
                    SQL.identifier(model._table),
                    SQL.identifier(self.name),
                )
            )
        return False

    def write(self, records, value):
        """Ignore a written value: there is no column for it."""
        return super().write(records.browse(), value)
