import contextlib
import logging
from datetime import timedelta

from odoo import api, fields, models

from ..ccp.safe.faults import name_of
from ..ccp.safe.marks import Marks
from .contention import take_turns
from .spool import spool_of

_logger = logging.getLogger(__name__)

# How long a call waits whose fold was cut off for the first time: somebody may just have ended the
# server. If that happens again, it waits as long as any call that cannot be folded.
FIRST_PAUSE = timedelta(minutes=1)
FOLD_ACTION = "airtel_ccp.ir_cron_fold_reports"


class FoldCutOff(Exception):  # noqa: N818 - its name is what an administrator reads in the call
    """A worker was killed while it folded a call."""


class CcpCall(models.Model):
    """A fold leaves a mark on disk, which outlives the worker that it kills.

    A call that was folded alone then is put off. Those that were folded together are folded one by
    one, which finds the bad one among them. The mark costs no statement and no commit, and each
    process has its own, so that several may fold at once.
    """

    _inherit = "ccp.call"

    @api.model
    def _fold_marks(self):
        """Return the marks of folds in this database.

        :rtype: ccp.safe.marks.Marks
        """
        return Marks(spool_of(self.env).folder)

    @api.model
    def _cut_off_folds(self):
        """Return the marks of folds that were cut off; none if the folder cannot be read.

        :rtype: list[ccp.safe.marks.Mark]
        """
        try:
            return self._fold_marks().cut_off()
        except OSError as error:
            _logger.info("Marks of folds cannot be read (%s)", name_of(error))
            return []

    @contextlib.contextmanager
    def _under_way(self):
        """Mark these calls as being folded; a folder that takes no mark does not stop that."""
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(self._fold_marks().under_way(self.ids))
            except OSError as error:
                _logger.info("A fold leaves no mark (%s)", name_of(error))
            yield

    def _fold_in_parts(self, closing):
        """Put off those of these calls whose fold was cut off, and return how to fold the others.

        :param bool closing: whether to stop waiting for reports
        :return: calls that may be folded together, each part by itself
        :rtype: list[odoo.models.BaseModel]
        """
        if not self:
            return []
        now = fields.Datetime.now()
        marked = [mark.ids for mark in self._cut_off_folds()]
        alone = {ids[0] for ids in marked if len(ids) == 1}
        together = {call_id for ids in marked for call_id in ids}
        suspects = self.filtered(
            lambda call: call.id in together or call.fold_error == FoldCutOff.__name__
        )
        put_off = self.browse()
        if suspects:
            # What waits to be written must not undo the mark
            suspects.flush_recordset()
        for call in suspects:
            waits = call.fold_error and call.fold_retry_date and call.fold_retry_date > now
            if waits or call.id in alone:
                put_off |= call
                if closing or not waits:
                    call._mark_error(FoldCutOff("its worker was killed"), closing)
        rest = self - suspects
        return [*(suspects - put_off), *([rest] if rest else [])]

    @api.model
    def _take_up_cut_off(self):
        """Fold or put off the calls whose fold was cut off, before any others are folded."""
        left = self._cut_off_folds()

        def take_up():
            calls = self.browse(call_id for mark in left[:1] for call_id in mark.ids).exists()
            locked = calls.try_lock_for_update(allow_referencing=True)
            if locked == calls:
                locked._fold()
                return 1, len(left) - 1
            return 0, len(left)

        def forget(done):
            for mark in left[:done]:
                try:
                    self._fold_marks().forget(mark)
                except OSError as error:
                    _logger.warning("A mark cannot be removed (%s)", name_of(error))
            del left[:done]

        if left:
            take_turns(self, take_up, FOLD_ACTION, forget)
