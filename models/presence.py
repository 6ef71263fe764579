"""Whether the database holds calls or call list entries, known without a statement.

In a database without any, other addons' work (such as a merge of leads) takes no extra statement. A
process never forgets that there are some. It looks again for the first one whenever another process
has cleared Odoo's caches, which the process that makes it does. The same holds for incoming calls.
"""

from odoo.tools import SQL

CACHE = "default"


def there_are_incoming_calls(env):
    """Return whether there may be incoming calls.

    :param odoo.api.Environment env: of the database
    :rtype: bool
    """
    registry = env.registry
    found, sequence = getattr(registry, "ccp_incoming_presence", (False, None))
    if found or sequence == registry.cache_sequences.get(CACHE):
        return found
    return look_for_incoming_calls(env)


def look_for_incoming_calls(env):
    """Look whether there are incoming calls, and remember that.

    :param odoo.api.Environment env: of the database
    :rtype: bool
    """
    registry = env.registry
    sequence = registry.cache_sequences.get(CACHE)
    ((found,),) = env.execute_query(
        SQL("SELECT EXISTS (SELECT FROM ccp_call WHERE direction = 'inbound')")
    )
    registry.ccp_incoming_presence = (found, sequence)
    return found


def there_are_calls(env):
    """Return whether there may be calls or call list entries.

    :param odoo.api.Environment env: of the database
    :rtype: bool
    """
    registry = env.registry
    found, sequence = getattr(registry, "ccp_presence", (False, None))
    if found or sequence == registry.cache_sequences.get(CACHE):
        return found
    return look_for_calls(env)


def look_for_calls(env):
    """Look into the tables, and remember whether they hold anything.

    :param odoo.api.Environment env: of the database
    :rtype: bool
    """
    registry = env.registry
    sequence = registry.cache_sequences.get(CACHE)
    ((found,),) = env.execute_query(
        SQL("SELECT EXISTS (SELECT FROM ccp_call) OR EXISTS (SELECT FROM ccp_call_list_item)")
    )
    registry.ccp_presence = (found, sequence)
    return found


def note_calls(env):
    """Remember that a call or call list entry is being made.

    Other processes are notified of the first one, after the commit: a process that looked earlier
    would find no row, and would remember that.

    :param odoo.api.Environment env: of the transaction that makes it
    """
    _note(env, "ccp_presence")


def note_incoming_calls(env):
    """Remember that an incoming call is being made; see ``note_calls``.

    :param odoo.api.Environment env: of the transaction that makes it
    """
    _note(env, "ccp_incoming_presence")


def _note(env, name):
    """Remember in an attribute of the registry that something is there."""
    registry = env.registry
    if getattr(registry, name, (False, None))[0]:
        return
    setattr(registry, name, (True, None))

    def notify():
        # While addons are being installed, other processes load the registry anew anyway
        if registry.ready:
            registry.clear_cache(CACHE)
            registry.signal_changes()

    env.cr.postcommit.add(notify)
