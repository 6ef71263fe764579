"""Drop an index in whose place another one serves."""


def migrate(cr, version):
    """Drop what Odoo leaves behind when a field has no index of its own any more.

    :param cr: the database's cursor
    :param str version: the version that was installed
    """
    cr.execute("DROP INDEX IF EXISTS ccp_call_event__call_id_index")
