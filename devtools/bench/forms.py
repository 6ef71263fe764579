"""Opening a contact or lead that nobody called: the addon's cost."""

from __future__ import annotations

import odoo
from odoo import api
from odoo.modules.registry import Registry

from .figures import Figure
from .history import fields_of
from .stack import Stack

ADMINISTRATOR = 2


def run(stack: Stack, quick: bool) -> list[Figure]:
    """Count the statements of both forms, with the addon and without."""
    figures = []
    for model, name in (("res.partner", "contact"), ("crm.lead", "lead")):
        ours, theirs = (_count(database, model) for database in (stack.database, stack.plain))
        figures.append(
            Figure(
                f"{name} without calls: more statements than without the addon",
                ours - theirs,
                "",
                0,
                note=f"{ours} and {theirs}",
            )
        )
    return figures


def _count(database: str, model: str) -> int:
    """Return how many statements it takes to read a new record for its form."""
    with Registry(database).cursor() as cr:
        env = api.Environment(cr, odoo.SUPERUSER_ID, {})
        # Other parts of the benchmark change only one of the databases: a company with a country
        # needs one more statement to format numbers
        env.company.country_id = env.ref("base.in")
        record = env[model].create({"name": "Nobody called"}).with_user(ADMINISTRATOR)
        specification = fields_of(record, record.get_view(view_type="form")["arch"])
        # The first time fills caches that a worker already has
        for _time in range(2):
            env.flush_all()
            env.invalidate_all()
            before = cr.sql_log_count
            record.web_read(specification)
            count = cr.sql_log_count - before
        cr.rollback()
    return count
