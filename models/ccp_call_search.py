from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from ..ccp.call import states
from ..ccp.safe import number

# Fewer digits would match a large part of all calls
MIN_SEARCH_DIGITS = 4


class CcpCall(models.Model):
    """Finds calls by a phone number or its last digits, and by who missed them."""

    _inherit = "ccp.call"

    phone_search = fields.Char(
        "Number", compute="_compute_phone_search", search="_search_phone_search"
    )
    missed_by = fields.Selection(
        [(states.AGENT, "Agent"), (states.CUSTOMER, "Customer")],
        compute="_compute_missed_by",
        search="_search_missed_by",
    )
    # Users search by the last digits. In the reversed number these are a prefix, which an index can
    # find. Not partial: an empty partial index has no statistics, and the planner then picks a
    # parallel scan
    _agent_suffix_idx = models.Index("(reverse(agent_number) text_pattern_ops)")
    _agent_second_suffix_idx = models.Index("(reverse(agent_second_number) text_pattern_ops)")
    _customer_suffix_idx = models.Index("(reverse(customer_number) text_pattern_ops)")
    _customer_second_suffix_idx = models.Index("(reverse(customer_second_number) text_pattern_ops)")

    @api.depends("result")
    def _compute_missed_by(self):
        for call in self:
            result = states.RESULTS.get(call.result)
            call.missed_by = result and result.missed_by

    @api.model
    def _search_missed_by(self, operator, value):
        """Find calls by who missed them, through their results."""
        if operator != "in":
            return NotImplemented
        results = [name for who in value for name in states.MISSED_BY.get(who, ())]
        if False in value:
            missed = [name for names in states.MISSED_BY.values() for name in names]
            return Domain("result", "not in", missed) | Domain("result", "in", results)
        return Domain("result", "in", results)

    @api.depends("customer_number")
    def _compute_phone_search(self):
        for call in self:
            call.phone_search = call.customer_number

    def _search_phone_search(self, operator, value):
        """Find calls by a number in any spelling, or by its last digits.

        Only the digits of the text reach the query; a text with fewer than four finds nothing.
        """
        if operator not in ("=", "in", "like", "ilike", "=like", "=ilike"):
            return NotImplemented
        texts = value if operator == "in" else [value]
        endings = set()
        for text in texts:
            spelled = text if isinstance(text, str) else ""
            endings.update(number.candidates(spelled) or [number.last10(spelled)])
        return Domain.OR(
            self._ending_domain(digits) for digits in endings if len(digits) >= MIN_SEARCH_DIGITS
        )

    @api.model
    def _ending_domain(self, digits):
        """Return the domain of the calls from or to a number that ends with some digits.

        :param str digits: ASCII digits only
        :rtype: odoo.fields.Domain
        """
        columns = (
            "customer_number",
            "customer_second_number",
            "agent_number",
            "agent_second_number",
        )

        def to_sql(model, alias, query):
            # As an array: with a list's order and limit the planner would otherwise read all calls
            # by date until a page is full
            return SQL(
                "%s = ANY(ARRAY(SELECT id FROM ccp_call WHERE %s))",
                SQL.identifier(alias, "id"),
                SQL(" OR ").join(
                    [
                        *(
                            SQL("reverse(%s) LIKE %s", SQL.identifier(column), digits[::-1] + "%")
                            for column in columns
                        ),
                        # Few calls have further numbers; the column's index finds them
                        *(
                            SQL(
                                "(%(column)s IS NOT NULL AND %(column)s ~ %(ending)s)",
                                column=SQL.identifier(column),
                                ending=f"{digits}( |$)",
                            )
                            for column in ("customer_further_numbers", "agent_further_numbers")
                        ),
                    ]
                ),
            )

        def is_found(call):
            numbers = (*call._customer_numbers(), *call._agent_numbers())
            return any(each.endswith(digits) for each in numbers)

        return Domain.custom(to_sql=to_sql, predicate=is_found)
