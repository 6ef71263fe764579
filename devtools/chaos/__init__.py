"""Breaks the real stack on purpose, and then counts what was lost: ``make chaos SEED=1``.

Odoo with worker processes, PostgreSQL and two sandboxes run together, while processes are killed,
the database goes away and reports come late, often, shuffled or in pieces. Afterwards what the
sandboxes know is compared with what Odoo knows.
"""
