"""Drop an index that another one has replaced."""


def migrate(cr, version):
    """Drop indexes that Odoo leaves behind when a field no longer has one.

    :param cr: the database's cursor
    :param str version: the version that was installed
    """
    cr.execute("DROP INDEX IF EXISTS ccp_call_event__call_id_index")
