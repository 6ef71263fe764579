"""Point scheduled actions to the model of calls before the models that they used are deleted."""

# By XML id: the action's new code, on the model of calls
CODES = {
    "ir_cron_fold_reports": "model._cron_fold()",
    "ir_cron_fetch_recordings": "model._cron_fetch_recordings()",
    "ir_cron_measure_calls": "model._cron_measure()",
    "ir_cron_delete_old_data": "model._cron_delete_old_data()",
    "ir_cron_consume_activities": "model._cron_consume_activities()",
}


def migrate(cr, version):
    """Change model and code of these actions, even if they are protected from updates.

    Otherwise such an action would be deleted with its model.

    :param cr: the database's cursor
    :param str version: the version that was installed
    """
    for name, code in CODES.items():
        cr.execute(
            """
            UPDATE ir_act_server action
               SET code = %s, model_id = model.id
              FROM ir_cron cron, ir_model_data data, ir_model model
             WHERE cron.ir_actions_server_id = action.id
               AND data.res_id = cron.id
               AND data.model = 'ir.cron'
               AND data.module = 'airtel_ccp'
               AND data.name = %s
               AND model.model = 'ccp.call'
            """,
            (code, name),
        )
