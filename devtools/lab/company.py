"""The made-up company: its account at a stand-in for Airtel, and the reps who call."""

from __future__ import annotations

PASSWORD = "rep-of-a-made-up-company"
# A port without a server
NOBODY = "http://127.0.0.1:9"
GROUPS = (
    "base.group_user",
    "sales_team.group_sale_salesman_all_leads",
    "airtel_ccp.group_ccp_user",
)


def open_account(company, base_url, **others):
    """Give a company an account at a stand-in for Airtel, for calls at any hour without limits.

    :param company: one ``res.company``, with a superuser's environment.
    :param str base_url: the address for its calls and recordings.
    :param others: fields of the company that differ from the usual ones here.
    """
    env = company.env
    if not (company.ccp_flow_id or others.get("ccp_flow_id")):
        others["ccp_flow_id"] = (
            env["ccp.call.flow"]
            .create(
                {
                    "name": company.name,
                    "code": "SANDBOX-FLOW",
                    "caller_number": "8000000001",
                    "company_id": company.id,
                }
            )
            .id
        )
    company.write(
        {
            "country_id": env.ref("base.in").id,
            "ccp_base_url": base_url,
            "ccp_username": "demo",
            "ccp_password": "p@55w0rd",
            "ccp_customer_id": "SANDBOX-CUSTOMER",
            "ccp_recording_hosts": base_url,
            "ccp_calendar_id": False,
            # Machines call without pauses, and the stand-in's few numbers again and again
            "ccp_daily_limit": 0,
            "ccp_number_daily_limit": 0,
            "ccp_pause_seconds": 0,
            **others,
        }
    )


def make_reps(company, logins, first_phone):
    """Make users who sell and call for a company, and return them.

    :param company: one ``res.company``, with a superuser's environment.
    :param logins: one for each user, also used as the name; the password is :data:`PASSWORD`.
    :param int first_phone: the first user's phone; the others' follow.
    """
    env = company.env
    groups = [env.ref(each).id for each in GROUPS]
    users = env["res.users"].with_context(no_reset_password=True, mail_create_nosubscribe=True)
    return users.create(
        [
            {
                "name": login,
                "login": login,
                "password": PASSWORD,
                "ccp_phone": str(first_phone + position),
                "company_id": company.id,
                "company_ids": [(6, 0, company.ids)],
                "group_ids": [(6, 0, groups)],
            }
            for position, login in enumerate(logins)
        ]
    )
