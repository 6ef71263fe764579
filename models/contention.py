"""How background work deals with conflicts with other transactions in the same database."""

import contextlib
import logging
import time

import psycopg2
from psycopg2.errors import DeadlockDetected, LockNotAvailable, SerializationFailure

from ..ccp.safe.faults import name_of

_logger = logging.getLogger(__name__)

# Conflicts with another transaction, after which a new transaction may succeed
CONTENTION = (DeadlockDetected, LockNotAvailable, SerializationFailure)
# A click holds its call's row for a tenth of a second, so waiting pays. A transaction that holds a
# row for longer must not hold up the other scheduled actions.
PAUSE_SECONDS = 0.05
WAIT_SECONDS = 1


def is_gone(cr):
    """Return whether a cursor's connection to the database is gone.

    To be asked after a statement failed. The error's class does not show it: after a crash that
    PostgreSQL announces before it closes the connection, psycopg2 raises the base class
    ``DatabaseError`` and believes the connection open; and it raises ``OperationalError`` also on
    connections that stay alive. Only a further statement shows it.

    :param odoo.sql_db.BaseCursor cr: the cursor that the statement was run with, still open
    :rtype: bool
    """
    connection = cr._cnx
    if not connection.closed:
        # On a live connection with a failed transaction this fails, and leaves it open
        with contextlib.suppress(psycopg2.Error), connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    return bool(connection.closed)


def apart(records, work, failed, is_patient=True):
    """Run ``work`` on records at once; if that fails, on halves, until only bad records fail.

    Each attempt is in a savepoint of its own.

    :param odoo.models.BaseModel records: what to work on
    :param work: called with some of the records; may raise anything
    :param failed: called with a single record and the exception of its work
    :param bool is_patient: whether to raise conflicts with other transactions, because a new
        transaction may succeed; otherwise the record with the conflict counts as failed
    :raise psycopg2.Error: for a conflict with another transaction, or when the connection is gone
    """
    if not records:
        return
    cr = records.env.cr
    try:
        with cr.savepoint():
            work(records)
        return
    except Exception as error:  # noqa: BLE001 - one record must not stop the others
        # A conflict is not the record's fault
        if (is_patient and isinstance(error, CONTENTION)) or is_gone(cr):
            raise
        if len(records) == 1:
            failed(records, error)
            return
    half = len(records) // 2
    apart(records[:half], work, failed, is_patient)
    apart(records[half:], work, failed, is_patient)


def take_turns(model, step, action, committed=None, around=None):
    """Run a scheduled action's work step by step until nothing is left, and commit each step.

    It waits for records that other transactions hold, and repeats a step that conflicted with
    them in a new transaction. If that takes too long, or the run's time is over, the action is
    triggered again, because its next regular run may be a day away.

    :param odoo.models.BaseModel model: any model, for its environment
    :param step: called without arguments; does a part of the work and returns how much it did, and
        how much is left, including what other transactions hold
    :param str action: XML id of the scheduled action
    :param committed: called with the size of a step after its commit
    :param around: like ``step``, but leaves out records with conflicts; used when steps keep
        conflicting, so they hold up nothing else
    :return: whether nothing is left
    :rtype: bool
    """
    crons = model.env["ir.cron"]
    waited = 0
    has_met = is_around = False
    while True:
        try:
            done, left = around() if is_around else step()
            seconds_left = crons._commit_progress(done, remaining=left)
        except CONTENTION as error:
            _logger.info("%s met another transaction (%s)", action, name_of(error))
            model.env.cr.rollback()
            done, left, seconds_left = 0, None, WAIT_SECONDS
            has_met = True
        else:
            has_met = is_around = False
            if committed:
                committed(done)
        if left == 0:
            return True
        if done:
            waited = 0
        elif waited < WAIT_SECONDS:
            time.sleep(PAUSE_SECONDS)
            waited += PAUSE_SECONDS
        elif around and has_met and not is_around:
            is_around = True
        else:
            break
        if not seconds_left:
            break
    model.env.ref(action)._trigger()
    # Only a commit makes it visible
    crons._commit_progress(remaining=left)
    return False
