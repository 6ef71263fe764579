"""What a database says of the addon, to compare an upgraded one with a fresh one."""

import json

from ...devtools.lab.odoo import query

# What the database's catalogues and Odoo's own say of the addon, each row without ids
CATALOGUES = {
    "columns": """
        SELECT table_name, column_name, data_type, character_maximum_length, numeric_precision,
               is_nullable, column_default
          FROM information_schema.columns
         WHERE table_schema = 'public' AND (table_name LIKE '%ccp%' OR column_name LIKE '%ccp%')
        """,
    "indexes": """
        SELECT indexdef FROM pg_indexes
         WHERE schemaname = 'public'
           AND (tablename LIKE '%ccp%' OR indexdef LIKE '%ccp%')
        """,
    "constraints": """
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
          FROM pg_constraint
         WHERE conname LIKE '%ccp%' OR conrelid::regclass::text LIKE '%ccp%'
        """,
    "triggers": """
        SELECT pg_get_triggerdef(oid) FROM pg_trigger
         WHERE NOT tgisinternal AND (tgname LIKE '%ccp%' OR tgrelid::regclass::text LIKE '%ccp%')
        """,
    "functions": "SELECT proname, prosrc, provolatile FROM pg_proc WHERE proname LIKE '%ccp%'",
    "sequences": "SELECT sequencename, data_type FROM pg_sequences WHERE sequencename LIKE '%ccp%'",
    "views and types": """
        SELECT relname, relkind FROM pg_class
         WHERE relname LIKE '%ccp%' AND relkind NOT IN ('i', 'r', 't')
        """,
    "XML ids": (
        "SELECT name, model FROM ir_model_data WHERE module = 'airtel_ccp'"
        " AND name NOT LIKE 'module_category%'"
    ),
    "models": "SELECT model, name, transient, abstract FROM ir_model WHERE model LIKE '%ccp%'",
    "fields": """
        SELECT model, name, ttype, relation, relation_field, index, store, required, readonly,
               related, depends, field_description, help
          FROM ir_model_fields
         WHERE model LIKE 'ccp.%' OR name LIKE '%ccp%'
        """,
    "choices": """
        SELECT field.model, field.name, choice.value, choice.name, choice.sequence
          FROM ir_model_fields_selection choice
          JOIN ir_model_fields field ON field.id = choice.field_id
         WHERE field.model LIKE 'ccp.%' OR field.name LIKE '%ccp%'
        """,
    "constraints of Odoo": """
        SELECT c.name, c.type, c.definition, c.message, model.model
          FROM ir_model_constraint c
          JOIN ir_model model ON model.id = c.model
          JOIN ir_module_module module ON module.id = c.module
         WHERE module.name = 'airtel_ccp'
        """,
    "relations of Odoo": """
        SELECT relation.name
          FROM ir_model_relation relation
          JOIN ir_module_module module ON module.id = relation.module
         WHERE module.name = 'airtel_ccp'
        """,
    "rights": """
        SELECT access.name, model.model, role.name, perm_read, perm_write, perm_create, perm_unlink
          FROM ir_model_access access
          JOIN ir_model model ON model.id = access.model_id
          LEFT JOIN res_groups role ON role.id = access.group_id
         WHERE model.model LIKE 'ccp.%'
        """,
    "rules": """
        SELECT rule.name, model.model, domain_force, rule.active
          FROM ir_rule rule
          JOIN ir_model model ON model.id = rule.model_id
         WHERE model.model LIKE 'ccp.%'
        """,
    "scheduled actions": """
        SELECT cron_name, interval_number, interval_type, cron.priority, cron.active, code,
               model.model, action.state
          FROM ir_cron cron
          JOIN ir_act_server action ON action.id = cron.ir_actions_server_id
          JOIN ir_model model ON model.id = action.model_id
         WHERE model.model LIKE 'ccp.%' OR cron_name ILIKE '%airtel%'
        """,
    "server actions": """
        SELECT action.name, code, model.model, binding.model, binding_view_types, usage
          FROM ir_act_server action
          JOIN ir_model_data data ON data.res_id = action.id AND data.model = 'ir.actions.server'
          JOIN ir_model model ON model.id = action.model_id
          LEFT JOIN ir_model binding ON binding.id = action.binding_model_id
         WHERE data.module = 'airtel_ccp'
        """,
    "window actions": """
        SELECT data.name, action.name, res_model, view_mode, domain, context
          FROM ir_act_window action
          JOIN ir_model_data data
            ON data.res_id = action.id AND data.model = 'ir.actions.act_window'
         WHERE data.module = 'airtel_ccp'
        """,
    "views": """
        SELECT data.name, view.name, view.model, view.type, view.priority, view.active,
               regexp_replace(view.arch_db->>'en_US', 'name="[0-9]+"', 'name="ID"', 'g')
          FROM ir_ui_view view
          JOIN ir_model_data data ON data.res_id = view.id AND data.model = 'ir.ui.view'
         WHERE data.module = 'airtel_ccp'
        """,
    "menus": """
        SELECT data.name, menu.name, menu.sequence, split_part(menu.action, ',', 1), menu.active
          FROM ir_ui_menu menu
          JOIN ir_model_data data ON data.res_id = menu.id AND data.model = 'ir.ui.menu'
         WHERE data.module = 'airtel_ccp'
        """,
    "groups": """
        SELECT data.name, role.name, role.sequence, role.comment
          FROM res_groups role
          JOIN ir_model_data data ON data.res_id = role.id AND data.model = 'res.groups'
         WHERE data.module = 'airtel_ccp'
        """,
    "outcomes": "SELECT name, sequence, color, blacklist FROM ccp_call_outcome",
    "parameters": "SELECT key FROM ir_config_parameter WHERE key ILIKE '%ccp%'",
}


def catalogues(database):
    """Return what the catalogues of a database say: a set of rows by their subject."""
    return {
        subject: {json.dumps(row, sort_keys=True, default=str) for row in query(database, sql)}
        for subject, sql in CATALOGUES.items()
    }


def differences(found, fresh):
    """Return the rows that an upgraded database has too many (+) or lacks (-)."""
    return [
        f"{sign} {subject}: {row}"
        for subject in CATALOGUES
        for sign, rows in (
            ("+", found[subject] - fresh[subject]),
            ("-", fresh[subject] - found[subject]),
        )
        for row in sorted(rows)
    ]
