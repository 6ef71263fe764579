import json
import logging

import psycopg2
import psycopg2.errors

from odoo import api, fields, models

from ..ccp.call import route
from ..ccp.safe.decisions import Decisions
from ..ccp.safe.faults import name_of
from . import route_store
from .contention import CONTENTION, is_gone
from .spool import root

_logger = logging.getLogger(__name__)

MOST_REPLAYED = 1000


class CcpCallEvent(models.Model):
    """Routing decisions: stored like reports, and taken in from disk like reports."""

    _inherit = "ccp.call.event"

    kind = fields.Selection(
        selection_add=[("decision", "Decision")], ondelete={"decision": "cascade"}
    )
    decision_key = fields.Char(
        "Digest of a decision's caller", readonly=True, groups=fields.NO_ACCESS
    )

    _decision_idx = models.Index("(decision_key, received_at) WHERE decision_key IS NOT NULL")
    _decided_idx = models.Index("(company_id, received_at) WHERE kind = 'decision'")

    @api.model
    def _replay_decisions(self):
        """Store decisions that were made while the database was away, and delete their files.

        A file that cannot be used is logged and set aside; the others are stored.
        """
        decisions = Decisions(root() / self.env.cr.dbname)
        try:
            names = decisions.waiting()[:MOST_REPLAYED]
        except OSError as error:
            _logger.warning("Decisions on disk cannot be looked at (%s)", name_of(error))
            return
        done = [name for name in names if self._replay_decision(decisions, name)]
        if not done:
            return
        # Files are deleted only after the commit
        self.env["ir.cron"]._commit_progress(len(done))
        for name in done:
            self._try_on_disk(decisions.remove, name)
        _logger.info("%s decisions that were made without the database were taken in", len(done))

    @api.model
    def _replay_decision(self, decisions, name):
        """Store one decision from disk.

        :param airtel_ccp.ccp.safe.decisions.Decisions decisions: the folder
        :param str name: the file's name
        :return: whether the file can be deleted
        :rtype: bool
        """
        try:
            company_id, content = decisions.load(name) or (0, None)
            decision = self._with_record_name(route.Decision.of_dict(content))
            with self.env.cr.savepoint(flush=False):
                moment = fields.Datetime.from_string("1970-01-01 00:00:00")
                moment = fields.Datetime.add(moment, seconds=decision.at // 1000)
                route_store.store(self.env.cr, company_id, decision, received_at=moment)
            return True
        except FileNotFoundError:
            # Another run stored it first
            return False
        except psycopg2.errors.UniqueViolation:
            return True
        except OSError as error:
            _logger.warning("A decision on disk cannot be read (%s)", name_of(error))
            return False
        except CONTENTION:
            raise
        except Exception as error:  # noqa: BLE001 - one file must not hold up the others
            if is_gone(self.env.cr):
                raise
            _logger.warning("A decision on disk cannot be stored (%s)", name_of(error))
        self._try_on_disk(decisions.put_aside, name)
        return False

    @api.model
    def _erase_decisions(self, company_ids, pattern):
        """Delete decisions on disk that are about erased calls.

        :param list company_ids: the companies of these calls
        :param re.Pattern pattern: matches the numbers to erase
        """
        decisions = Decisions(root() / self.env.cr.dbname)

        def delete(name):
            company_id, content = decisions.load(name) or (0, {})
            if company_id in company_ids and pattern.search(json.dumps(content)):
                decisions.remove(name)

        try:
            names = decisions.waiting()
        except OSError as error:
            _logger.warning("Decisions on disk cannot be looked at (%s)", name_of(error))
            return
        for name in names:
            self._try_on_disk(delete, name)

    @api.model
    def _with_record_name(self, decision):
        """Return a decision with its record's name, which is not stored on disk.

        :param airtel_ccp.ccp.call.route.Decision decision: as stored
        :rtype: airtel_ccp.ccp.call.route.Decision
        """
        about = decision.about
        if not about or about.name or not about.res_id:
            return decision
        record = self._ccp_records(about.res_model, [about.res_id]).sudo()
        named = route.About(about.res_model, about.res_id, (record.display_name or "")[:100])
        return decision.about_record(named)
