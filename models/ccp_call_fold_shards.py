from typing import NamedTuple

from odoo import api, models
from odoo.exceptions import ValidationError
from odoo.tools import SQL, config

from .ccp_call_fold_mark import FOLD_ACTION

# The scheduled actions that help the first one to fold, each with a share of the calls
HELPERS = tuple(f"{FOLD_ACTION}_{number}" for number in (2, 3, 4))
# How many calls may wait before the first action asks the others for help, and how often it
# checks, in seconds. With fewer calls it is done before another action has begun
HELP_CALLS = 20
HELP_SECONDS = 1


class Shard(NamedTuple):
    """A share of the calls."""

    number: int
    """Counted from 0."""
    count: int
    """The number of shares."""

    def condition(self, column):
        """Return the condition for the calls of this shard, to be added to a WHERE.

        :param odoo.tools.SQL column: holds a call's id
        :rtype: odoo.tools.SQL
        """
        if self.count == 1:
            return SQL()
        return SQL("AND mod(%s, %s) = %s", column, self.count, self.number)


ALL = Shard(0, 1)


def fold_actions(env):
    """Return the scheduled actions that help the first one to fold, also those switched off.

    :param odoo.api.Environment env: of the database
    :return: ``ir.cron`` records, as superuser
    :rtype: odoo.models.BaseModel
    """
    found = [env.ref(name, raise_if_not_found=False) for name in HELPERS]
    return env["ir.cron"].sudo().concat(*(each.sudo() for each in found if each))


def count_fold_actions(env):
    """Return how many scheduled actions may fold at once, if there are enough workers.

    :param odoo.api.Environment env: of the database
    :rtype: int
    """
    return 1 + len(fold_actions(env).filtered("active"))


def switch_fold_actions(env, count):
    """Switch scheduled actions on and off.

    :param odoo.api.Environment env: of the database
    :param int count: how many may fold at once
    :raise ValidationError: if there are fewer
    """
    if count == count_fold_actions(env):
        return
    actions = fold_actions(env)
    most = 1 + len(actions)
    if not 1 <= count <= most:
        raise ValidationError(
            env._(
                "There are %(most)s scheduled actions for reports: choose a number from 1 to "
                "%(most)s.",
                most=most,
            )
        )
    actions[: count - 1].active = True
    actions[count - 1 :].active = False


class CcpCall(models.Model):
    """Several scheduled actions that fold at once.

    The first one could do everything alone: it is triggered by each report, takes reports from
    disk, finds the calls of reports that name none, and folds all calls, those of its own shard
    first. When many calls wait it asks the others for help, each for its shard. A call is locked
    while it is folded, so no harm is done if two actions count the shards differently for a moment,
    or if one is switched off. One worker for scheduled actions always stays free for other work.
    """

    _inherit = "ccp.call"

    @api.model
    def _fold_helpers(self):
        """Return the scheduled actions that may help the first one to fold, in their order.

        :rtype: odoo.models.BaseModel
        """
        spare = max(0, config["max_cron_threads"] - 2)
        return fold_actions(self.env).filtered("active")[:spare] if spare else self.env["ir.cron"]

    @api.model
    def _ask_for_help(self):
        """Trigger those helpers in whose shard a call waits.

        :return: the shard of the first action
        :rtype: Shard
        """
        helpers = self._fold_helpers()
        count = 1 + len(helpers)
        for number, helper in enumerate(helpers, 1):
            if self._count_pending(Shard(number, count)):
                helper._trigger()
        return Shard(0, count)

    @api.model
    def _cron_help_fold(self, name):
        """Fold the calls of one shard that have new reports.

        :param str name: XML id of the scheduled action
        """
        helpers = self._fold_helpers()
        action = self.env.ref(name).sudo()
        if action not in helpers:
            # Switched off, or this server now has too few workers
            return
        shard = Shard(1 + helpers.ids.index(action.id), 1 + len(helpers))
        self._fold_in_turns(
            name,
            lambda: self._take_pending(shard),
            lambda: self._count_pending(shard),
        )
