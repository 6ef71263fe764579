from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from .presence import INCOMING_CALLS


class CcpCall(models.Model):
    """Which calls an agent sees: own ones, missed ones, and the team's that nobody took."""

    _inherit = "ccp.call"

    reader_id = fields.Many2one(
        "res.users",
        "Agent who may see it",
        compute="_compute_reader_id",
        search="_search_reader_id",
        help="The current user, if it is a call of theirs: placed or taken by them, missed by "
        "them, or an incoming one of their sales team that nobody took.",
    )

    # Few calls have no agent; without this index all calls of a team would be read
    _unclaimed_idx = models.Index("(team_id) WHERE direction = 'inbound' AND user_id IS NULL")

    @api.depends("user_id", "direction", "imported", "missed_user_ids", "team_id")
    @api.depends_context("uid")
    def _compute_reader_id(self):
        user = self.env.user
        for call in self:
            known = call.sudo()
            is_own = known.user_id == user
            if not is_own and known._is_reported_incoming():
                is_own = user in known.missed_user_ids or (
                    not known.user_id and user in known.team_id.member_ids
                )
            call.reader_id = user if is_own else False

    @api.model
    def _search_reader_id(self, operator, value):
        """Find the calls that some agents see.

        Written for the indexes, which find them among millions. For outgoing calls the condition
        is the agent alone.
        """
        if operator != "in":
            return NotImplemented
        ids = [each for each in value if each]
        own = Domain("user_id", "in", ids)
        if not ids or not INCOMING_CALLS.may_be(self.env):
            return own
        self.flush_model(["missed_user_ids", "team_id", "user_id"])

        def to_sql(model, alias, query):
            return SQL(
                """%s = ANY(ARRAY(
                    SELECT call_id FROM ccp_call_missed_users_rel WHERE user_id = ANY(%s)
                     UNION ALL
                    SELECT unclaimed.id
                      FROM ccp_call unclaimed
                      JOIN crm_team_member member ON member.crm_team_id = unclaimed.team_id
                     WHERE unclaimed.direction = 'inbound' AND unclaimed.user_id IS NULL
                       AND unclaimed.imported IS NOT TRUE
                       AND member.active AND member.user_id = ANY(%s)))""",
                SQL.identifier(alias, "id"),
                ids,
                ids,
            )

        def is_found(call):
            known = call.sudo()
            return known._is_reported_incoming() and (
                not set(ids).isdisjoint(known.missed_user_ids.ids)
                or (not known.user_id and not set(ids).isdisjoint(known.team_id.member_ids.ids))
            )

        return own | Domain.custom(to_sql=to_sql, predicate=is_found)
