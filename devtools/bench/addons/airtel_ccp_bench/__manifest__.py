{
    "name": "Airtel CCP: what it is compared with",
    "summary": "An empty route, and reports taken as other telephony addons take them",
    "version": "19.0.1.0.0",
    "category": "Hidden",
    "author": "airtel_ccp contributors",
    "license": "LGPL-3",
    "depends": ["crm"],
    "data": ["security/ir.model.access.csv"],
    "installable": True,
}
