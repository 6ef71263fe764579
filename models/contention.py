"""How the addon's work in the background lives with what others do to the same database."""

import contextlib
import logging
import time

import psycopg2
from psycopg2.errors import DeadlockDetected, LockNotAvailable, SerializationFailure

from ..ccp.safe.faults import name_of

_logger = logging.getLogger(__name__)

# Another transaction was quicker; a new one may find the way free
CONTENTION = (DeadlockDetected, LockNotAvailable, SerializationFailure)
# A click holds its call's row for a tenth of a second: that is worth waiting for. Who holds one for
# longer must not keep the other scheduled actions waiting.
PAUSE_SECONDS = 0.05
WAIT_SECONDS = 1


def is_gone(cr):
    """Return whether a cursor's connection to the database is gone.

    To be asked when a statement failed. The error's class does not tell: psycopg2 raises its base
    class ``DatabaseError``, and takes the connection for open, when PostgreSQL crashed and said so
    before it closed the connection; and it raises ``OperationalError`` also when the connection
    lives on. Only a further statement shows it.

    :param odoo.sql_db.BaseCursor cr: the cursor that the statement was run with, still open
    :rtype: bool
    """
    connection = cr._cnx
    if not connection.closed:
        # Where the transaction failed but the connection lives, this fails and leaves it open
        with contextlib.suppress(psycopg2.Error), connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    return bool(connection.closed)


def apart(records, work, failed, is_patient=True):
    """Do something with records at once; if that fails, in halves, so that only bad ones fail.

    Each attempt is in a savepoint of its own.

    :param odoo.models.BaseModel records: what to work on
    :param work: called with some of the records; raises what it likes
    :param failed: called with a single record and the exception that its work raised
    :param bool is_patient: whether to raise what another transaction causes, because a new
        transaction may succeed; otherwise the record that meets it counts as failed
    :raise psycopg2.Error: when another transaction was quicker, or the connection is gone
    """
    if not records:
        return
    cr = records.env.cr
    try:
        with cr.savepoint():
            work(records)
        return
    except Exception as error:  # noqa: BLE001 - one record must not stop the others
        # Contention is not the record's fault
        if (is_patient and isinstance(error, CONTENTION)) or is_gone(cr):
            raise
        if len(records) == 1:
            failed(records, error)
            return
    half = len(records) // 2
    apart(records[:half], work, failed, is_patient)
    apart(records[half:], work, failed, is_patient)


def take_turns(model, step, action, committed=None, around=None):
    """Do a scheduled action's work step by step until nothing is left, each step committed.

    What others hold at the moment is waited for, and a step that trips over what they do is done
    again in a new transaction. Where that takes too long, or the run's time is up, the action is
    woken once more: its next regular run may be a day away.

    :param odoo.models.BaseModel model: any model, for its environment
    :param step: called without arguments; does a part of the work and returns how much it did, and
        how much is left, which counts what others hold
    :param str action: XML id of the scheduled action
    :param committed: called with how much a step did, once that is durable
    :param around: like ``step``, but leaves out what meets another transaction: done when steps
        keep meeting one, so that it keeps nothing else waiting
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
    # Without a commit nobody hears of it
    crons._commit_progress(remaining=left)
    return False
