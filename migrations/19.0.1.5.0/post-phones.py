"""Store people's own phones in one form."""

from odoo.tools import SQL

from odoo.addons.airtel_ccp.ccp.safe import number


def migrate(cr, version):
    """Write the phones of users in ten digits, if they can be read.

    :param cr: the database's cursor
    :param str version: the version that was installed
    """
    for column in (SQL.identifier("ccp_phone"), SQL.identifier("ccp_second_phone")):
        cr.execute(
            SQL("SELECT id, %s FROM res_users WHERE %s !~ %s", column, column, "^[0-9]{10}$")
        )
        for user_id, phone in cr.fetchall():
            try:
                digits = number.read(phone)
            except number.NumberError:
                # The user is asked to correct it at the next click
                continue
            cr.execute(SQL("UPDATE res_users SET %s = %s WHERE id = %s", column, digits, user_id))
