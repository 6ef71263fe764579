import contextlib
import logging
import os

import psycopg2

from odoo import SUPERUSER_ID, api, models
from odoo.exceptions import AccessError

from ..ccp.safe.faults import name_of

_logger = logging.getLogger(__name__)

RECORDING_FIELD = "recording_file"
FILES = "airtel_ccp.files"


class IrAttachment(models.Model):
    """Recordings are read through their own route only, which checks rights and logs listens."""

    _inherit = "ir.attachment"

    def _check_access(self, operation):
        """Refuse recordings to everybody, also administrators; see the recording route."""
        recordings = self.browse()
        if not self.env.su:
            of_calls = self.sudo().filtered(lambda file: file.res_model == "ccp.call")
            recordings = of_calls.sudo(False)
        refused = super()._check_access(operation)
        if not recordings:
            return refused
        others = refused[0] if refused else self.browse()
        return recordings | others, lambda: AccessError(
            self.env._("A recording can be heard from its call only: open the call and play it.")
        )

    def unlink(self):
        """Delete attachments; the files of recordings at once, not in Odoo's next cleaning."""
        own = self.sudo().filtered(lambda file: file.res_model == "ccp.call" and file.store_fname)
        names = set(own.mapped("store_fname"))
        deleted = super().unlink()
        if names:
            self._remove_once_committed(names)
        return deleted

    @api.model
    def _remove_once_committed(self, names):
        """Remove files from the filestore after the commit.

        :param set[str] names: their names in the filestore
        """
        postcommit, registry = self.env.cr.postcommit, self.env.registry
        if FILES in postcommit.data:
            postcommit.data[FILES] |= names
            return
        postcommit.data[FILES] = set(names)

        @postcommit.add
        def remove():
            files = postcommit.data.pop(FILES, set())
            try:
                with registry.cursor() as cr:
                    api.Environment(cr, SUPERUSER_ID, {})["ir.attachment"]._remove_files(files)
            except (psycopg2.Error, OSError) as error:
                _logger.info(
                    "Files of recordings are removed in Odoo's daily cleaning (%s)",
                    name_of(error),
                )

    @api.model
    def _remove_files(self, names):
        """Remove those of some files that no attachment uses any more.

        As in Odoo's own cleaning, nobody may write attachments meanwhile: another transaction may
        be storing the same content.

        :param set[str] names: their names in the filestore
        :raise psycopg2.Error: when other transactions keep writing attachments
        :raise OSError: when a file cannot be removed
        """
        cr = self.env.cr
        # Locked before the first query, which fixes what the transaction sees. Other
        # transactions queue behind this lock, so it gives up soon
        cr.execute("SET LOCAL lock_timeout TO '1s'")
        cr.execute("LOCK ir_attachment IN SHARE MODE", log_exceptions=False)
        cr.execute("SELECT store_fname FROM ir_attachment WHERE store_fname = ANY(%s)", [[*names]])
        for name in names.difference(row[0] for row in cr.fetchall()):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._full_path(name))
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join(self._full_path("checklist"), name))
