"""Make room for the sums of calls by day, which replace those of the former model."""


def migrate(cr, version):
    """Drop the former sums, and keep the scheduled action that measures calls.

    The action would be deleted with the model that it runs on.

    :param cr: the database's cursor
    :param str version: the version that was installed
    """
    cr.execute("DROP FUNCTION IF EXISTS ccp_call_tally_change() CASCADE")
    cr.execute("DROP TABLE IF EXISTS ccp_call_tally")
    cr.execute(
        """
        UPDATE ir_act_server
           SET model_id = calls.id
          FROM ir_model calls, ir_model former
         WHERE calls.model = 'ccp.call'
           AND former.model = 'ccp.measures'
           AND ir_act_server.model_id = former.id
        """
    )
