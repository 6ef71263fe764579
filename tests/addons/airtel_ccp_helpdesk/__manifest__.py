{
    "name": "Calls from helpdesk tickets",
    "summary": "What it takes to call from a model that has a contact but no phone field",
    "version": "19.0.1.0.0",
    "author": "airtel_ccp contributors",
    "license": "AGPL-3",
    "depends": ["airtel_ccp", "helpdesk_mgmt"],
}
