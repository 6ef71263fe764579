"""Whether the database holds calls or call list entries, and incoming calls, without a statement.

In a database without any, other addons' work (such as a merge of leads) takes no extra statement. A
process never forgets that there are some. It looks again for the first one whenever another process
has cleared Odoo's caches, which the process that makes it does.
"""

from dataclasses import dataclass

from odoo.tools import SQL

CACHE = "default"


@dataclass(frozen=True)
class Presence:
    """Whether there are rows of some kind, as a process remembers it in its registry.

    :ivar name: the attribute of the registry
    :ivar query: looks whether there are any
    """

    name: str
    query: SQL

    def may_be(self, env):
        """Return whether there may be such rows.

        :param odoo.api.Environment env: of the database
        :rtype: bool
        """
        registry = env.registry
        found, sequence = self._known(registry)
        if found or sequence == registry.cache_sequences.get(CACHE):
            return found
        return self.look(env)

    def look(self, env):
        """Look into the tables, and remember whether they hold such rows.

        :param odoo.api.Environment env: of the database
        :rtype: bool
        """
        registry = env.registry
        sequence = registry.cache_sequences.get(CACHE)
        ((found,),) = env.execute_query(self.query)
        setattr(registry, self.name, (found, sequence))
        return found

    def note(self, env):
        """Remember that such a row is being made.

        Other processes are notified of the first one, after the commit: a process that looked
        earlier would find no row, and would remember that.

        :param odoo.api.Environment env: of the transaction that makes it
        """
        registry = env.registry
        if self._known(registry)[0]:
            return
        setattr(registry, self.name, (True, None))

        def notify():
            # While addons are being installed, other processes load the registry anew anyway
            if registry.ready:
                registry.clear_cache(CACHE)
                registry.signal_changes()

        env.cr.postcommit.add(notify)

    def _known(self, registry):
        """Return what the process remembers, and of which state of Odoo's caches."""
        return getattr(registry, self.name, (False, None))


CALLS = Presence(
    "ccp_presence",
    SQL("SELECT EXISTS (SELECT FROM ccp_call) OR EXISTS (SELECT FROM ccp_call_list_item)"),
)
INCOMING_CALLS = Presence(
    "ccp_incoming_presence",
    SQL("SELECT EXISTS (SELECT FROM ccp_call WHERE direction = 'inbound')"),
)
