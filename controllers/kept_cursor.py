"""Keeps a cursor for the next report, so a report need not borrow one.

To lend a connection, Odoo searches its whole pool and resets the connection, which costs two
round trips to PostgreSQL: a fifth of a report's time.
"""

import atexit
import time
from contextlib import suppress
from typing import NamedTuple

import psycopg2

from odoo.sql_db import Cursor

# A worker handles one request at a time, a server with threads a few
MOST_KEPT = 2
# Afterwards Odoo gets the cursor back, and checks whether its connection is alive
IDLE_SECONDS = 60

_kept = []


class Kept(NamedTuple):
    """A cursor without a transaction."""

    cursor: Cursor
    since: float
    """On the monotonic clock."""


def in_transaction(registry, do):
    """Run something in a transaction of its own, and commit.

    If it fails with a kept cursor, it is run again with a new one, because the connection may
    have died meanwhile. So it must be something that may be done twice.

    :param odoo.modules.registry.Registry registry: of the database
    :param do: called with the cursor; its result is returned
    :raise psycopg2.Error: when it fails
    """
    cursor = _take(registry.db_name)
    if cursor:
        with suppress(psycopg2.Error):
            return _commit(cursor, do)
    return _commit(registry.cursor(), do)


def _commit(cursor, do):
    try:
        result = do(cursor)
        cursor.commit()
    except BaseException:
        _close(cursor)
        raise
    # In tests there are other classes of cursors, which belong to the test
    if type(cursor) is Cursor and len(_kept) < MOST_KEPT:
        _kept.append(Kept(cursor, time.monotonic()))
    else:
        cursor.close()
    return result


def _take(database):
    """Return a kept cursor of a database, or None."""
    while _kept:
        try:
            cursor, since = _kept.pop()
        except IndexError:
            # Another thread took it
            return None
        is_usable = cursor.dbname == database and not cursor._cnx.closed
        if is_usable and time.monotonic() - since < IDLE_SECONDS:
            return cursor
        _close(cursor)
    return None


def _close(cursor):
    # Its connection may be gone, even together with the database
    with suppress(psycopg2.Error):
        cursor.close()


@atexit.register
def close_all():
    """Give all kept cursors back."""
    while _kept:
        _close(_kept.pop().cursor)
