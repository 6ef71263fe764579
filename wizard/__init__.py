from . import ccp_manual_call
