{
    "name": "Airtel CCP: what its history is compared with",
    "summary": "Calls as a plain model, with the same columns, relations, rights and record rules",
    "version": "19.0.1.0.0",
    "category": "Hidden",
    "author": "airtel_ccp contributors",
    "license": "LGPL-3",
    "depends": ["airtel_ccp"],
    "post_init_hook": "copy_rights",
    "installable": True,
}
