"""Breaks the real stack on purpose, and then counts what was lost: ``make chaos SEED=1``.

Odoo with worker processes, PostgreSQL and two sandboxes run together, while processes are killed,
the database goes away and reports come late, often, shuffled or in pieces. Afterwards the
sandboxes' records are compared with Odoo's.
"""
