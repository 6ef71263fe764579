"""Show recordings of erased calls as erased, not as deleted after their period."""


def migrate(cr, version):
    """Correct the recording's state of calls that were erased earlier.

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
