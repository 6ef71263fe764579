"""The least that a durable row can be."""

from odoo import fields, models


class BenchBare(models.Model):
    """A body that was received, without any index but its id's."""

    _name = "bench.bare"
    _description = "Body that was received"
    _log_access = False

    body = fields.Text()
