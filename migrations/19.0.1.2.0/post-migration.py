"""Give recordings stored earlier the company of their call."""


def migrate(cr, version):
    """Write each call's company on its recording, instead of the scheduled action's company.

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
