from odoo import models
from odoo.fields import Domain


class GuardedFields(models.BaseModel):
    """Fields that some users may not read cannot be used by them to search, sort or group either.

    Odoo checks this for fields with a column, but not for links to many records, computed fields
    and fields of other records. This is not an Odoo model, but a Python class that such models
    inherit beside ``models.Model``.
    """

    _register = False

    def _search(self, domain, *args, bypass_access=False, **kwargs):
        """Refuse a search by a field that the user may not read; extends Odoo's ORM."""
        if not bypass_access and not self.env.su:
            for condition in Domain(domain).iter_conditions():
                self._ccp_check_field(condition.field_expr)
        return super()._search(domain, *args, bypass_access=bypass_access, **kwargs)

    def _field_to_sql(self, alias, field_expr, query=None):
        """Refuse an order by a field that the user may not read; extends Odoo's ORM."""
        self._ccp_check_field(field_expr)
        return super()._field_to_sql(alias, field_expr, query)

    def _read_group_groupby(self, alias, groupby_spec, query):
        """Refuse groups by a field that the user may not read; extends Odoo's ORM."""
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
