import contextlib
import logging
from datetime import timedelta

from odoo import api, fields, models

from ..ccp.safe.faults import name_of
from ..ccp.safe.marks import Marks
from .contention import take_turns
from .spool import spool_of

_logger = logging.getLogger(__name__)

# How long a call waits after its fold was cut off once: somebody may just have stopped the server.
# After a second time it waits as long as any call that cannot be folded
FIRST_PAUSE = timedelta(minutes=1)
FOLD_ACTION = "airtel_ccp.ir_cron_fold_reports"


class FoldCutOff(Exception):  # noqa: N818 - its name is what an administrator reads in the call
    """A worker was killed while it folded a call."""


class CcpCall(models.Model):
    """Each fold leaves a mark on disk, which stays if the worker is killed.

    A call that was folded alone then is put off. Calls that were folded together are folded one by
    one, which finds the bad one among them. The mark costs no statement and no commit. Each process
    has its own, so several may fold at once.
    """

    _inherit = "ccp.call"

    @api.model
    def _fold_marks(self):
        """Return the folder of marks of this database's folds.

        :rtype: ccp.safe.marks.Marks
        """
        return Marks(spool_of(self.env).folder)

    @api.model
    def _cut_off_folds(self):
        """Return the marks of folds that were cut off; an empty list if the folder cannot be read.

        :rtype: list[ccp.safe.marks.Mark]
        """
        try:
            return self._fold_marks().cut_off()
        except OSError as error:
            _logger.info("Marks of folds cannot be read (%s)", name_of(error))
            return []

    @contextlib.contextmanager
    def _under_way(self):
        """Mark these calls as being folded; they are folded even if the mark cannot be written."""
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(self._fold_marks().under_way(self.ids))
            except OSError as error:
                _logger.info("A fold leaves no mark (%s)", name_of(error))
            yield

    def _fold_in_parts(self, closing):
        """Put off those of these calls whose fold was cut off; return the others in parts.

        :param bool closing: whether to stop waiting for reports
        :return: groups of calls, each to be folded together
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
            # Pending writes must not overwrite the mark
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
        """Fold or put off the calls whose fold was cut off, before other calls are folded."""
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
