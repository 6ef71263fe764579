from . import base_partner_merge, ccp_erasure, ccp_manual_call
