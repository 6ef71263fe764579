"""Calls without any of the addon's methods: the cost of a page in Odoo alone."""

from odoo import fields, models

# Computed for calls; plain columns here, so both pages show the same
TEXTS = ("tone", "talk_time", "agent_ring_time", "customer_ring_time", "total_time")
# How a field gets its value or index: not copied from the fields of calls
NOT_KEPT = frozenset(
    "compute compute_sudo default depends index inverse precompute search store".split()
)


def plain_fields():
    """Return the fields of calls that have a column, and the texts that the list shows.

    :return: new fields by their names
    :rtype: dict
    """
    kinds, arguments = {}, {}
    for definition in models.MetaModel._module_to_models__["airtel_ccp"]:
        if definition._name == "ccp.call":
            for field in definition._field_definitions:
                kinds[field.name] = type(field)
                arguments.setdefault(field.name, {}).update(field._args__)
    found = {}
    for name, given in arguments.items():
        kind = kinds[name]
        if name in models.MAGIC_COLUMNS or not _is_kept(name, kind, given):
            continue
        kept = {key: each for key, each in given.items() if key not in NOT_KEPT}
        # Not through the class, whose arguments have other names than its attributes
        found[name] = kind.__new__(kind)
        fields.Field.__init__(found[name], **kept)
    return found


def _is_kept(name, kind, given):
    if name in TEXTS or given.get("related"):
        return True
    is_computed = bool(given.get("compute"))
    has_column = kind._column_type is not None and not given.get("attachment")
    return has_column and given.get("store", not is_computed)


class BenchHistory(models.Model):
    """The columns of calls, filled with the same rows."""

    _name = "bench.history"
    _description = "Call of the plain history"
    _order = "id desc"
    _rec_name = "customer_name"

    # Read from the fields of calls: a new column is added here, too
    locals().update(plain_fields())
