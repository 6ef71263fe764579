-- a copy of the database dials nobody, answers to no old notify or routing URL, and leads to no recording
UPDATE res_company
   SET ccp_username = NULL,
       ccp_secret_password = NULL,
       ccp_old_tokens = NULL,
       ccp_trial = FALSE,
       ccp_customer_id = NULL,
       ccp_notify_base_url = NULL,
       ccp_webhook_token = md5(random()::text) || md5(random()::text),
       ccp_route_token = md5(random()::text) || md5(random()::text),
       ccp_old_route_tokens = NULL,
       ccp_kept_route_secret = NULL,
       ccp_base_url = 'https://neutralized.invalid';
UPDATE ccp_call_flow
   SET callback_secrets = NULL;
-- what spells an address as \u0068ttp or http\u003a, which no regular expression can cut out
UPDATE ccp_call_event
   SET raw_payload = NULL
 WHERE raw_payload IS NOT NULL;
UPDATE ccp_call_event
   SET payload = ''
 WHERE payload ~* '\\u00(3a|48|50|53|54|68|70|73|74)';
UPDATE ccp_call
   SET token_digest = NULL,
       header_digest = NULL,
       recording_url = NULL,
       recording_next_date = NULL,
       recording_asked_date = NULL,
       recording_expiry = NULL;
-- folding again would take the address of a recording from here
UPDATE ccp_call_event
   SET payload = regexp_replace(payload, 'https?:(?:\\?/|\\u002f){2}[^\s"''<>]*', '', 'gi')
 WHERE payload ~* 'https?:(?:\\?/|\\u002f){2}';
-- dialogs that were left open hold Airtel's file with the password, and records of past calls
DELETE FROM ccp_postman_import;
DELETE FROM ccp_history_import;
-- user names and addresses that the account had
DELETE FROM ccp_setting_change;
