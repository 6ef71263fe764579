"""Calls without anything that the addon does about them: what Odoo itself needs for a page."""

from odoo import fields, models

# Computed when a list is read; here plain columns, so that the page shows the same
TEXTS = ("tone", "talk_time", "agent_ring_time", "customer_ring_time", "total_time")
# What says how a field gets its value, or that it has an index: those of calls are copied
NOT_KEPT = frozenset(
    "compute compute_sudo default depends index inverse precompute search store".split()
)


def plain_fields():
    """Return the fields of calls that have a column, and what the list shows besides.

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
        # Not by the class itself, which names some arguments in another way than it keeps them
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

    # Read from those of calls, so that a new column is one here too
    locals().update(plain_fields())
