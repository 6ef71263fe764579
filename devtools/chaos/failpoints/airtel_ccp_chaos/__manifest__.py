{
    "name": "Airtel CCP: points of failure",
    "summary": "Lets Odoo's processes fail where the fault suite says",
    "version": "19.0.1.0.0",
    "category": "Hidden",
    "author": "airtel_ccp contributors",
    "license": "LGPL-3",
    "depends": ["airtel_ccp"],
    "installable": True,
}
