"""Give recordings that were kept before to the companies that made the calls."""


def migrate(cr, version):
    """Write each call's company to its recording, which had that of the scheduled action's user.

    :param cr: the database's cursor
    :param str version: the version that was installed
    """
    cr.execute(
        """
        UPDATE ir_attachment
           SET company_id = ccp_call.company_id
          FROM ccp_call
         WHERE ir_attachment.res_model = 'ccp.call'
           AND ir_attachment.res_field = 'recording_file'
           AND ir_attachment.res_id = ccp_call.id
           AND ir_attachment.company_id IS DISTINCT FROM ccp_call.company_id
        """
    )
