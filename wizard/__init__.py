from . import (
    base_partner_merge,
    ccp_call_entry,
    ccp_call_link,
    ccp_erasure,
    ccp_fold_again,
    ccp_history_import,
    ccp_history_import_line,
    ccp_manual_call,
    ccp_phone_import,
    ccp_phone_import_line,
    ccp_postman_import,
    ccp_setup,
)
