from odoo import api, models
from odoo.tools import SQL

CACHE = "default"


class CcpPresence(models.AbstractModel):
    """Tells without a statement whether a database has calls or call list entries at all.

    What belongs to other addons, such as a merge of leads, takes no statement more if there are
    none. That there are some is never forgotten; that there are none is looked up again whenever
    another process has cleared Odoo's caches, which the first call does.
    """

    _name = "ccp.presence"
    _description = "Whether there are calls"

    def _register_hook(self):
        super()._register_hook()
        self._look()

    @api.model
    def _has_any(self):
        """Return whether there may be calls or call list entries.

        :rtype: bool
        """
        registry = self.env.registry
        found, sequence = getattr(registry, "ccp_presence", (False, None))
        if found or sequence == registry.cache_sequences.get(CACHE):
            return found
        return self._look()

    @api.model
    def _look(self):
        """Look into the tables, and remember what is there.

        :rtype: bool
        """
        registry = self.env.registry
        sequence = registry.cache_sequences.get(CACHE)
        ((found,),) = self.env.execute_query(
            SQL("SELECT EXISTS (SELECT FROM ccp_call) OR EXISTS (SELECT FROM ccp_call_list_item)")
        )
        registry.ccp_presence = (found, sequence)
        return found

    @api.model
    def _note(self):
        """Note that a call or call list entry is being made; other processes are told of the first.

        They are told after the commit: who looks before it would find none, and remember that.
        """
        registry = self.env.registry
        if getattr(registry, "ccp_presence", (False, None))[0]:
            return
        registry.ccp_presence = (True, None)

        def tell():
            # While addons are being installed, other processes load the registry anew anyway
            if registry.ready:
                registry.clear_cache(CACHE)
                registry.signal_changes()

        self.env.cr.postcommit.add(tell)
