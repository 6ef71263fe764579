"""Keep values that an administrator entered, if their column now has another name or form."""


def migrate(cr, version):
    """Rename the password's column and give each caller number its company.

    :param cr: the database's cursor
    :param str version: the version that was installed
    """
    columns = _column_types(cr)
    if ("res_company", "ccp_password") in columns:
        cr.execute("ALTER TABLE res_company RENAME COLUMN ccp_password TO ccp_secret_password")
    if columns.get(("res_users", "ccp_caller_number")) == "character varying":
        cr.execute(
            """
            ALTER TABLE res_users
            ALTER COLUMN ccp_caller_number TYPE jsonb
            USING CASE WHEN ccp_caller_number <> ''
                       THEN jsonb_build_object(company_id::text, ccp_caller_number) END
            """
        )


def _column_types(cr):
    cr.execute(
        """
        SELECT table_name, column_name, data_type
          FROM information_schema.columns
         WHERE table_schema = current_schema
           AND table_name IN ('res_company', 'res_users')
           AND column_name LIKE 'ccp%'
        """
    )
    return {(table, column): data_type for table, column, data_type in cr.fetchall()}
