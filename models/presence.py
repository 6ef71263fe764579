"""Whether the database has calls, call list entries or incoming calls, mostly without a query.

In a database without any, other addons' work (such as a merge of leads) needs no extra statement.
A process that has found some never looks again. One that has found none looks again after another
process cleared Odoo's caches, which happens when that process creates the first one.
"""

from dataclasses import dataclass

from odoo.tools import SQL

CACHE = "default"


@dataclass(frozen=True)
class Presence:
    """Whether rows of some kind exist, as a process remembers it in its registry.

    :ivar name: the attribute of the registry
    :ivar query: finds out whether there are any
    """

    name: str
    query: SQL

    def may_be(self, env):
        """Return whether such rows may exist.

        :param odoo.api.Environment env: of the database
        :rtype: bool
        """
        registry = env.registry
        found, sequence = self._known(registry)
        if found or sequence == registry.cache_sequences.get(CACHE):
            return found
        return self.look(env)

    def look(self, env):
        """Query the tables, and remember whether they hold such rows.

        :param odoo.api.Environment env: of the database
        :rtype: bool
        """
        registry = env.registry
        sequence = registry.cache_sequences.get(CACHE)
        ((found,),) = env.execute_query(self.query)
        setattr(registry, self.name, (found, sequence))
        return found

    def note(self, env):
        """Remember that such a row is being created.

        Other processes are notified after the commit of the first one. A process that looked before
        the commit would find no row and remember that.

        :param odoo.api.Environment env: of the transaction that creates it
        """
        registry = env.registry
        if self._known(registry)[0]:
            return
        setattr(registry, self.name, (True, None))

        def notify():
            # During an installation other processes reload the registry anyway
            if registry.ready:
                registry.clear_cache(CACHE)
                registry.signal_changes()

        env.cr.postcommit.add(notify)

    def _known(self, registry):
        """Return what the process remembers, and the state of Odoo's caches at that time."""
        return getattr(registry, self.name, (False, None))


CALLS = Presence(
    "ccp_presence",
    SQL("SELECT EXISTS (SELECT FROM ccp_call) OR EXISTS (SELECT FROM ccp_call_list_item)"),
)
INCOMING_CALLS = Presence(
    "ccp_incoming_presence",
    SQL("SELECT EXISTS (SELECT FROM ccp_call WHERE direction = 'inbound')"),
)
