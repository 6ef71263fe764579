"""The index of a call's reports bears the name under which Odoo looks for that of ``call_id``."""


def migrate(cr, _version):
    """Rename the index: building it again takes long when there are many reports."""
    cr.execute(
        """
        ALTER INDEX IF EXISTS ccp_call_event_call_fingerprint_uniq
            RENAME TO ccp_call_event__call_id_index
        """
    )
