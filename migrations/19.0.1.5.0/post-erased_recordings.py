"""Say of erased calls that their recordings were erased, not that a period was over."""


def migrate(cr, version):
    """Correct the recording's state of calls that were erased before.

    :param cr: the database's cursor
    :param str version: the version that was installed
    """
    cr.execute(
        """
        UPDATE ccp_call
           SET recording_state = 'erased'
         WHERE erased IS TRUE
           AND recording_state = 'deleted'
        """
    )
