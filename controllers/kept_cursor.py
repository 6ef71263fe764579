"""A cursor that waits for the next report, so that it needs not be borrowed for each.

To lend a connection, Odoo looks through all of its pool and resets it, which takes PostgreSQL two
answers more: a fifth of a report's time.
"""

import atexit
import time
from contextlib import suppress
from typing import NamedTuple

import psycopg2

from odoo.sql_db import Cursor

# A worker has one request at a time, a server with threads a few
MOST_KEPT = 2
# What waited for longer goes back to Odoo, which sees whether its connection still lives
IDLE_SECONDS = 60

_kept = []


class Kept(NamedTuple):
    """A cursor without a transaction."""

    cursor: Cursor
    since: float
    """On the monotonic clock."""


def in_transaction(registry, do):
    """Do something in a transaction of its own, which is committed.

    If it fails with a cursor that waited, it is done again with a new one: that connection may have
    died meanwhile. So it has to be something that may be done twice.

    :param odoo.modules.registry.Registry registry: of the database
    :param do: called with the cursor; returns what is returned
    :raise psycopg2.Error: when the database does not do it
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
    # In tests there are others, which belong to the test
    if type(cursor) is Cursor and len(_kept) < MOST_KEPT:
        _kept.append(Kept(cursor, time.monotonic()))
    else:
        cursor.close()
    return result


def _take(database):
    """Return a cursor that waits for a database's next report, or None."""
    while _kept:
        try:
            cursor, since = _kept.pop()
        except IndexError:
            # Another thread was quicker
            return None
        is_usable = cursor.dbname == database and not cursor._cnx.closed
        if is_usable and time.monotonic() - since < IDLE_SECONDS:
            return cursor
        _close(cursor)
    return None


def _close(cursor):
    # Its connection may be gone, or have been taken away with the whole database
    with suppress(psycopg2.Error):
        cursor.close()


@atexit.register
def close_all():
    """Give all cursors back that wait."""
    while _kept:
        _close(_kept.pop().cursor)
