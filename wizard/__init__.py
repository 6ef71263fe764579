from . import base_partner_merge, ccp_manual_call
