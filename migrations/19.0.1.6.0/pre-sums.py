"""Make room for the sums of calls by day, which replace those of the former model."""


def migrate(cr, version):
    """Drop the former sums.

    :param cr: the database's cursor
    :param str version: the version that was installed
    """
    cr.execute("DROP FUNCTION IF EXISTS ccp_call_tally_change() CASCADE")
    cr.execute("DROP TABLE IF EXISTS ccp_call_tally")
