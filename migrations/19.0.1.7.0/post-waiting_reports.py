"""Reports that wait for their call are looked at again only when a call they name is folded."""


def migrate(cr, version):
    """Have each waiting report looked at once more, which stores the names of its call.

    :param cr: the database's cursor
    :param str version: the version that was installed
    """
    cr.execute(
        """
        UPDATE ccp_call_event
           SET match_date = NULL
         WHERE call_id IS NULL AND folded IS NOT TRUE AND match_date IS NOT NULL
        """
    )
