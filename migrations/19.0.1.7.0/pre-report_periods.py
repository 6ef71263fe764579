"""Reports without a call get a period of their own."""


def migrate(cr, version):
    """Let existing companies keep reports without a call as long as other reports.

    Only new companies get the default; the health list proposes it to the others.

    :param cr: the database's cursor
    :param str version: the version that was installed
    """
    cr.execute("ALTER TABLE res_company ADD COLUMN IF NOT EXISTS ccp_keep_unmatched_days integer")
    cr.execute(
        "UPDATE res_company SET ccp_keep_unmatched_days = COALESCE(ccp_keep_reports_days, 0)"
    )
