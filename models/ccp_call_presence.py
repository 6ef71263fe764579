from odoo import api, models
from odoo.tools import SQL

CACHE = "default"


class CcpCall(models.Model):
    """Whether the database holds calls or call list entries, known without a statement.

    In a database without any, other addons' work (such as a merge of leads) takes no extra
    statement. A process never forgets that there are some. It looks again for the first one
    whenever another process has cleared Odoo's caches, which the process that makes it does.
    """

    _inherit = "ccp.call"

    def _register_hook(self):
        super()._register_hook()
        self._look_for_calls()

    @api.model
    def _there_are_calls(self):
        """Return whether there may be calls or call list entries.

        :rtype: bool
        """
        registry = self.env.registry
        found, sequence = getattr(registry, "ccp_presence", (False, None))
        if found or sequence == registry.cache_sequences.get(CACHE):
            return found
        return self._look_for_calls()

    @api.model
    def _look_for_calls(self):
        """Look into the tables, and remember whether they hold anything.

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
    def _note_calls(self):
        """Remember that a call or call list entry is being made.

        Other processes are notified of the first one, after the commit: a process that looked
        earlier would find no row, and would remember that.
        """
        registry = self.env.registry
        if getattr(registry, "ccp_presence", (False, None))[0]:
            return
        registry.ccp_presence = (True, None)

        def notify():
            # While addons are being installed, other processes load the registry anew anyway
            if registry.ready:
                registry.clear_cache(CACHE)
                registry.signal_changes()

        self.env.cr.postcommit.add(notify)

    @api.model
    def _create(self, data_list):
        self._note_calls()
        return super()._create(data_list)
