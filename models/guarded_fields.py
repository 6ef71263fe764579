from odoo import models
from odoo.fields import Domain


class GuardedFields(models.BaseModel):
    """What some may read and others not, also as a condition, an order or a group.

    Odoo checks a field with a column of its own there, but neither a link to many records nor a
    field that is computed or shows another record's. Not a model of Odoo's, but a Python class
    that such models inherit beside ``models.Model``.
    """

    _register = False

    def _search(self, domain, *args, bypass_access=False, **kwargs):
        """Extension of Odoo's ORM: nobody searches by a field that one may not read."""
        if not bypass_access and not self.env.su:
            for condition in Domain(domain).iter_conditions():
                self._ccp_check_field(condition.field_expr)
        return super()._search(domain, *args, bypass_access=bypass_access, **kwargs)

    def _field_to_sql(self, alias, field_expr, query=None):
        """Extension of Odoo's ORM: nobody sorts by a field that one may not read."""
        self._ccp_check_field(field_expr)
        return super()._field_to_sql(alias, field_expr, query)

    def _read_group_groupby(self, alias, groupby_spec, query):
        """Extension of Odoo's ORM: nobody groups by a field that one may not read."""
        self._ccp_check_field(groupby_spec.partition(":")[0])
        return super()._read_group_groupby(alias, groupby_spec, query)

    def _ccp_check_field(self, path):
        """Check that the user may read the first field of a path.

        :raise AccessError: when the user may not
        """
        if self.env.su:
            return
        field = self._fields.get(path.partition(".")[0])
        if field:
            self._check_field_access(field, "read")
