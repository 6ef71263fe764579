"""Drop indexes in whose place others came."""


def migrate(cr, version):
    """Drop what Odoo leaves behind when a field has no index of its own any more.

    :param cr: the database's cursor
    :param str version: the version that was installed
    """
    cr.execute(
        """
        DROP INDEX IF EXISTS ccp_call__user_id_index;
        DROP INDEX IF EXISTS ccp_call__start_date_index
        """
    )
