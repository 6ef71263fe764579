"""Who may do what: the one table that ``test_rights_matrix.py`` and ``test_foreign_ids.py`` check.

All is about one call: the rep's, on a lead, in the first company, for the north team. The tests
find models, fields and methods themselves; whatever has no row here fails them.
"""

CALLS = "base.group_allow_export,sales_team.group_sale_salesman_all_leads,airtel_ccp.group_ccp_"
LISTENS = "airtel_ccp.group_ccp_download"
# By role: its groups, and whether it belongs to the second company
ROLES = {
    "rep": (f"{CALLS}user,{LISTENS}", False),
    "other_rep": (f"{CALLS}user,{LISTENS}", False),
    "leader": (f"{CALLS}team_leader,{LISTENS}", False),
    "other_leader": (f"{CALLS}team_leader,{LISTENS}", False),
    "manager": (f"{CALLS}manager,{LISTENS}", False),
    "listener": (f"base.group_allow_export,base.group_user,{LISTENS}", False),
    "overrider": ("base.group_allow_export,base.group_user,airtel_ccp.group_ccp_override", False),
    "employee": (
        "base.group_allow_export,base.group_user,sales_team.group_sale_salesman_all_leads",
        False,
    ),
    "administrator": ("base.group_allow_export,base.group_user,base.group_system", False),
    "boss": (f"{CALLS}manager,{LISTENS},airtel_ccp.group_ccp_override,base.group_system", False),
    "portal": ("base.group_portal", False),
    "public": ("base.group_public", False),
    "foreign_rep": (f"{CALLS}user,{LISTENS}", True),
    "foreign_manager": (f"{CALLS}manager,{LISTENS}", True),
    "foreign_administrator": ("base.group_allow_export,base.group_user,base.group_system", True),
}
NOBODY = ""
READERS = "rep leader manager boss"
LEADERS = "leader manager boss"
CALLERS = "rep other_rep leader other_leader manager boss"
FOREIGN_CALLERS = "foreign_rep foreign_manager"
MANAGERS = "manager boss foreign_manager"
ADMINISTRATORS = "administrator boss"
ALL_ADMINISTRATORS = "administrator boss foreign_administrator"

# By model: who reads, writes, creates and deletes the record that belongs to the rep's call, or,
# of a dialog, the one that the first reader opened
MODELS = {
    "ccp.call": (READERS, NOBODY, NOBODY, NOBODY),
    "ccp.call.change": (READERS, NOBODY, NOBODY, NOBODY),
    "ccp.call.daily": (READERS, NOBODY, NOBODY, NOBODY),
    "ccp.call.event": (READERS, NOBODY, NOBODY, NOBODY),
    # Of the rep, for a team of nobody else
    "ccp.callback": (READERS, NOBODY, NOBODY, NOBODY),
    "ccp.call.flow": (
        f"{CALLERS} administrator",
        ADMINISTRATORS,
        ADMINISTRATORS,
        ADMINISTRATORS,
    ),
    "ccp.call.flow.menu": (
        f"{CALLERS} administrator",
        ADMINISTRATORS,
        ADMINISTRATORS,
        ADMINISTRATORS,
    ),
    "ccp.call.list.item": ("rep", "rep", f"{CALLERS} {FOREIGN_CALLERS}", "rep"),
    "ccp.call.listen": (LEADERS, NOBODY, NOBODY, NOBODY),
    "ccp.call.outcome": (
        f"{CALLERS} administrator",
        ADMINISTRATORS,
        ADMINISTRATORS,
        ADMINISTRATORS,
    ),
    "ccp.erasure.log": ("manager boss", NOBODY, NOBODY, NOBODY),
    "ccp.health": (ADMINISTRATORS, NOBODY, NOBODY, NOBODY),
    "ccp.setting.change": (ADMINISTRATORS, NOBODY, NOBODY, NOBODY),
    "ccp.request.log": (ADMINISTRATORS, NOBODY, NOBODY, NOBODY),
    # Dialogs: their user's own
    "ccp.call.entry": ("rep", "rep", "rep manager boss", "rep"),
    "ccp.call.link": ("rep", "rep", "rep manager boss", "rep"),
    "ccp.callback.entry": ("rep", "rep", READERS, "rep"),
    # Opened on a record that one does not see, it logs nothing
    "ccp.manual.call": ("rep", "rep", f"{CALLERS} {FOREIGN_CALLERS}", "rep"),
    "ccp.erasure": ("manager", "manager", MANAGERS, "manager"),
    "ccp.fold.again": ("administrator", "administrator", ADMINISTRATORS, "administrator"),
    "ccp.history.import": ("manager", "manager", "manager boss administrator", "manager"),
    "ccp.history.import.line": ("manager", "manager", "manager", "manager"),
    "ccp.phone.import": ("administrator", "administrator", ADMINISTRATORS, "administrator"),
    "ccp.phone.import.line": (
        "administrator",
        "administrator",
        "administrator",
        "administrator",
    ),
    "ccp.postman.import": ("administrator", "administrator", ADMINISTRATORS, "administrator"),
    "ccp.route.try": ("administrator", "administrator", ADMINISTRATORS, "administrator"),
    "ccp.setup": ("administrator", "administrator", ADMINISTRATORS, "administrator"),
}

# Whoever reads the record
ALL = "all"
EMPLOYEES = (
    "rep other_rep leader other_leader manager listener overrider employee administrator boss"
)
# By model, for each group of its fields: their names, who reads them on that record, and who
# writes them there (in this addon's own models: whoever writes the record, if not said otherwise)
FIELDS = {
    "ccp.call": (
        (
            "res_model res_id customer_name partner_id commercial_partner_id user_id company_id"
            " lead_id team_id flow_id direction agent_number customer_number caller_number"
            " correlation_id session_id state result refusal refusal_code start_date"
            " agent_answer_date answer_date end_date talk_seconds talk_unknown agent_ring_seconds"
            " customer_ring_seconds agent_cause agent_operator agent_circle customer_cause"
            " customer_operator customer_circle hung_up_by pulses attempts reached agent_failures"
            " connect_rate customer_connect_rate average_talk_seconds attempts_until_reached"
            " first_dial first_connect speed_to_dial speed_to_connect currency_id cost start_hour"
            " start_weekday recording_state recorded recording_announced recording_error"
            " recording_id outcome_id note keep_forever reports_deleted erased manual imported"
            " trial dismissed activity_done overridden override_reason list_item_id event_ids live"
            " deadline request_outcome closed_date ended follow_up_id agent_second_number"
            " customer_second_number agent_further_numbers customer_further_numbers agent_pool"
            " callback_id owes_callback"
            " change_ids may_be_changed phone_search missed_by timeline_html talk_time"
            " agent_ring_time customer_ring_time total_time tone recording_problem"
            " reader_id missed_user_ids missed_names ringing_user_ids decided_date cdr_date"
            " route_reason"
            " route_about route_sentence other_records incoming incoming_answered incoming_missed"
            " incoming_abandoned answer_seconds",
            ALL,
        ),
        ("listen_ids", LEADERS),
        ("request_ids report_bound fold_error fold_retry_date notify_date notify_tries", "boss"),
        (
            "measured recording_file recording_url recording_tries recording_next_date"
            " card_message_ids activity_message_ids noted_lines token_digest header_digest"
            " activity_id planned_activity_ids dialled blacklist_ids erased_ids"
            " recording_asked_date recording_lease_date recording_tried_date recording_reason"
            " recording_expiry route_candidates to_settle settle_date settle_tries",
            NOBODY,
        ),
    ),
    "ccp.callback": (
        (
            "customer_number customer_name company_id flow_id team_id user_id state attempts"
            " first_missed last_missed opened_date due_date is_overdue call_ids closed_by_id"
            " closed_date callback_seconds in_time_rate partner_id res_model res_id trial released"
            " drop_reason dropped_date dropped_by_id dropped_for_id erased deleted_attempts"
            " deleted_first deleted_last",
            ALL,
        ),
    ),
    "ccp.callback.entry": (("callback_id colleague_ids user_id reason", ALL),),
    "ccp.call.change": (("call_id user_id date kind before after", ALL),),
    "ccp.call.daily": (
        (
            "start_date company_id team_id user_id flow_id start_weekday start_hour direction"
            " result missed_by outcome_id attempts reached agent_failures connect_rate"
            " customer_connect_rate talk_seconds average_talk_seconds agent_ring_seconds"
            " customer_ring_seconds attempts_until_reached speed_to_dial speed_to_connect pulses"
            " currency_id cost reader_id incoming incoming_answered incoming_missed"
            " incoming_abandoned answer_seconds",
            ALL,
        ),
    ),
    "ccp.call.entry": (("call_id company_id outcome_id note note_before question", ALL),),
    "ccp.call.event": (
        (
            "call_id company_id kind received_at folded matched_by match_date summary changed"
            " not_understood",
            ALL,
        ),
        ("fingerprint pretty_payload error", "boss"),
        (
            "payload raw_payload named_correlation named_session named_pair decision_key",
            NOBODY,
        ),
    ),
    "ccp.call.flow": (
        (
            "name active sequence company_id code caller_number caller_series user_ids team_ids"
            " calendar_id call_type top_caller_number recording recording_mode"
            " announces_recording record_component event_types agent_component agent_strategy"
            " agent_name agent_retries agent_time agent_component_time customer_component"
            " customer_strategy customer_name customer_retries customer_time"
            " customer_component_time customer_component_caller_number second_agent_phone"
            " second_customer_phone early_media trial pool_code pool_key pool_strategy"
            " agent_phone_limit customer_number_limit callback_method ring_owner ring_last_agent"
            " ring_team_id ring_strategy desk_number closed_number menu_ids lead_policy source_id"
            " medium_id campaign_id abandon_seconds callback_minutes blocked_policy",
            ALL,
        ),
        (
            "recording_policy further_components callback_headers callback_secret_headers",
            ADMINISTRATORS,
        ),
        ("callback_secrets", NOBODY),
    ),
    "ccp.call.flow.menu": (("flow_id company_id digit team_id", ALL),),
    "ccp.call.link": (("call_id record", ALL),),
    "ccp.call.list.item": (
        ("user_id sequence res_model res_id customer_name state next_date call_ids attempts", ALL),
    ),
    "ccp.call.listen": (("call_id user_id kind date", ALL),),
    "ccp.call.outcome": (
        (
            "name active sequence color company_id activity_type_id activity_days stage_id"
            " stage_team_ids lost_reason_id blacklist",
            ALL,
        ),
    ),
    "ccp.erasure": (
        ("partner_id call_count recording_count report_count message_count kept_count", ALL),
    ),
    "ccp.erasure.log": (
        (
            "date user_id company_id partner_reference call_count recording_count report_count"
            " message_count",
            ALL,
        ),
    ),
    "ccp.fold.again": (("company_id start_date end_date only_errors call_count", ALL),),
    "ccp.health": (
        (
            "company_id sequence key state code details warned checked_at changed_at sentence turn",
            ALL,
        ),
    ),
    "ccp.history.import": (
        (
            "company_id file file_name text state outgoing_count incoming_count known_count"
            " problem_count contact_count lead_count agentless_count expired_count"
            " expired_report_count first_date last_date unused saved_count line_ids",
            ALL,
        ),
        ("keep_calls_days keep_reports_days", NOBODY),
    ),
    "ccp.history.import.line": (("import_id sequence note", ALL),),
    "ccp.manual.call": (
        (
            "res_model res_id direction phone offered_phones start_date duration outcome_id note",
            ALL,
        ),
    ),
    "ccp.phone.import": (
        ("company_id text file file_name allow_calls has_employees line_ids summary", ALL),
    ),
    "ccp.phone.import.line": (("import_id sequence who user_id phone state note", ALL),),
    "ccp.postman.import": (
        (
            "company_id file file_name problem warning environment_name base_url username password"
            " customer_id call_flow_id caller_id",
            ALL,
        ),
    ),
    "ccp.setting.change": (
        (
            "date user_id company_id kind model record_name field before_value after_value setting"
            " before after",
            ALL,
        ),
    ),
    "ccp.request.log": (
        (
            "call_id company_id user_id sent_at body outcome status duration code detail"
            " correlation_id",
            ALL,
        ),
    ),
    "ccp.route.try": (("company_id flow_id number digit answer passed_over", ALL),),
    "ccp.setup": (
        (
            "company_id contact_name done_count progress trial_call_count account_state"
            " account_note flow_state flow_note flow_id flow_code caller_number notify_state"
            " notify_note notify_url users_state users_note phoneless_user_ids test_state"
            " test_note my_phone test_number test_call_id trial trial_url sandbox_command username"
            " password customer_id base_url api_path notify_base_url incoming_state incoming_note"
            " incoming_flow_id incoming_number incoming_desk incoming_team_id"
            " incoming_calendar_id route_url route_header route_secret channels route_test"
            " route_test_passed",
            ALL,
        ),
    ),
    # What it adds to Odoo's own models: on the rep, the first company, the lead, its contact ...
    "crm.lead": (("ccp_call_count", CALLERS, NOBODY),),
    "crm.team": (
        # Written by administrators who also manage sales, which Odoo lets write teams
        ("ccp_flow_id", ADMINISTRATORS, NOBODY),
        ("ccp_call_count", CALLERS, NOBODY),
    ),
    "digest.digest": (
        (
            "kpi_ccp_calls kpi_ccp_connect_rate kpi_ccp_talk_time kpi_ccp_callbacks",
            ALL,
            ALL_ADMINISTRATORS,
        ),
        # Their own figures, of the calls that they may see
        (
            "kpi_ccp_calls_value kpi_ccp_connect_rate_value kpi_ccp_talk_time_value"
            " kpi_ccp_callbacks_value",
            f"{CALLERS} {FOREIGN_CALLERS}",
            NOBODY,
        ),
    ),
    "res.company": (
        (
            "ccp_base_url ccp_api_path ccp_username ccp_password ccp_account_date ccp_customer_id"
            " ccp_flow_id ccp_webhook_token ccp_notify_base_url ccp_require_header"
            " ccp_recording_hosts ccp_number_country_id ccp_calendar_id ccp_daily_limit"
            " ccp_company_daily_limit ccp_number_daily_limit ccp_pulse_price ccp_require_outcome"
            " ccp_recording_policy ccp_chatter_mode ccp_keep_copies ccp_keep_recordings_days"
            " ccp_keep_reports_days ccp_keep_unmatched_days ccp_token_days ccp_keep_calls_days"
            " ccp_pause_seconds ccp_reserve_phones ccp_trial ccp_trial_url ccp_route_token"
            " ccp_route_header ccp_route_secret ccp_channels",
            # Odoo's administrators read and write every company
            ALL_ADMINISTRATORS,
            ALL_ADMINISTRATORS,
        ),
        (
            "ccp_secret_password ccp_old_tokens ccp_old_route_tokens ccp_kept_route_secret",
            NOBODY,
            NOBODY,
        ),
    ),
    "res.config.settings": (
        (
            "ccp_base_url ccp_api_path ccp_username ccp_password ccp_customer_id ccp_flow_id"
            " ccp_notify_base_url ccp_require_header ccp_recording_hosts ccp_number_country_id"
            " ccp_calendar_id ccp_company_daily_limit ccp_number_daily_limit ccp_daily_limit"
            " ccp_pulse_price ccp_require_outcome ccp_recording_policy ccp_chatter_mode"
            " ccp_keep_copies ccp_keep_recordings_days ccp_keep_reports_days"
            " ccp_keep_unmatched_days ccp_token_days ccp_pause_seconds ccp_reserve_phones"
            " ccp_keep_calls_days ccp_trial ccp_trial_url ccp_health_ids ccp_notify_url"
            " ccp_fold_actions ccp_sandbox_command",
            ALL_ADMINISTRATORS,
            ALL_ADMINISTRATORS,
        ),
    ),
    "res.partner": (("ccp_call_count", f"{CALLERS} {FOREIGN_CALLERS}", NOBODY),),
    # Odoo shows every employee to all, and has administrators manage those of all companies
    "res.users": (
        (
            "ccp_phone ccp_second_phone ccp_further_phones",
            f"rep {ALL_ADMINISTRATORS}",
            f"rep {ALL_ADMINISTRATORS}",
        ),
        (
            "ccp_caller_number ccp_away_until",
            f"rep {ALL_ADMINISTRATORS}",
            ALL_ADMINISTRATORS,
        ),
        ("ccp_flow_id ccp_may_call", ALL_ADMINISTRATORS, ALL_ADMINISTRATORS),
        ("ccp_caller_series ccp_phones_date ccp_phones_by_id", ALL_ADMINISTRATORS, NOBODY),
        ("ccp_phones_reserved", ALL, NOBODY),
        ("ccp_call_count", f"{CALLERS} {FOREIGN_CALLERS}", NOBODY),
    ),
}

# By public method with a parameter that names a record: what a person sends there. "foreign X" is
# the id of the second company's record of the model X, "own X" that of the rep's
CLICK = ["res.partner", "own res.partner", "phone"]
FOREIGN_ARGUMENTS = {
    "ccp.call.link_record": (
        ["res.partner", "foreign res.partner"],
        ["crm.lead", "foreign crm.lead"],
    ),
    "ccp.call.place": (
        ["crm.lead", "foreign crm.lead", "phone"],
        ["ccp.call", "foreign ccp.call"],
        ["res.partner", "own res.partner", "phone", "res.partner,foreign res.partner,phone,0"],
        ["res.partner", "own res.partner", None, "res.partner,foreign res.partner,phone,0"],
        ["crm.lead", "own crm.lead", "phone", None, "foreign ccp.call.list.item"],
        [
            "res.partner",
            "own res.partner",
            "phone",
            None,
            None,
            {"company_id": "foreign res.company"},
        ],
        ["crm.lead", "own crm.lead", "phone", None, None, {"activity_id": "foreign mail.activity"}],
        ["crm.lead", "own crm.lead", "phone", None, None, {"callback_id": "foreign ccp.callback"}],
        ["ccp.callback", "foreign ccp.callback"],
    ),
    "ccp.call.list.item.action_add": (
        ["crm.lead", ["foreign crm.lead"]],
        ["crm.lead", ["own crm.lead", "foreign crm.lead"]],
        ["ccp.call", ["foreign ccp.call"]],
    ),
    "ccp.call.list.item.add_records": (
        ["res.partner", ["own res.partner", "foreign res.partner"]],
        ["ccp.call.list.item", ["foreign ccp.call.list.item"]],
    ),
    "ccp.panel.choose_record": (
        ["foreign ccp.call", "res.partner", "own res.partner"],
        ["own ccp.call", "res.partner", "foreign res.partner"],
        ["own ccp.call", "crm.lead", "foreign crm.lead"],
    ),
    "ccp.panel.close": (["foreign ccp.call"],),
    "ccp.panel.dismiss": (["foreign ccp.call"],),
    "ccp.panel.find_records": (["foreign ccp.call", "CANARY"], ["own ccp.call", "CANARY"]),
    "ccp.panel.follow_up": (["foreign ccp.call", "tomorrow"],),
    "ccp.panel.follow_up_times": (["foreign ccp.call"],),
    "ccp.panel.new_contact": (["foreign ccp.call"],),
    "ccp.panel.new_lead": (["foreign ccp.call"],),
    "ccp.panel.open_call": (["foreign ccp.call"],),
    "ccp.panel.save_note": (["foreign ccp.call", "note", "CANARY note"],),
    "ccp.panel.save_outcome": (
        ["foreign ccp.call", "own ccp.call.outcome"],
        ["own ccp.call", "foreign ccp.call.outcome"],
    ),
    "ccp.panel.state": (["foreign ccp.call"], [None, ["foreign ccp.call"]]),
    "ccp.panel.take_back_follow_up": (["foreign ccp.call"],),
}
# What only the second company's people may read
CANARIES = {
    "crm.team": "CANARY team",
    "res.partner": "CANARY contact",
    "crm.lead": "CANARY lead",
    "ccp.call.flow": "CANARY flow",
    "ccp.call.outcome": "CANARY outcome",
    "ccp.call": "CANARY customer",
    "ccp.callback": "CANARY call-back",
    "mail.activity": "CANARY activity",
    "ccp.call.event": "CANARY payload",
    "ccp.call.list.item": "CANARY entry",
    "ir.attachment": "CANARY file",
    "mail.message": "CANARY message",
    "resource.calendar": "CANARY hours",
    "res.company": "CANARY second company",
    "res.users": "CANARY foreign_rep",
}
