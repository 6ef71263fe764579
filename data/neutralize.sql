-- a copy of the database dials nobody and answers to no old notify URL
UPDATE res_company
   SET ccp_username = NULL,
       ccp_secret_password = NULL,
       ccp_old_tokens = NULL,
       ccp_trial = FALSE,
       ccp_customer_id = NULL,
       ccp_webhook_token = md5(random()::text) || md5(random()::text),
       ccp_base_url = 'https://neutralized.invalid';
UPDATE ccp_call_flow
   SET callback_secrets = NULL;
UPDATE ccp_call
   SET token_digest = NULL,
       header_digest = NULL,
       recording_url = NULL,
       recording_next_date = NULL,
       recording_state = CASE WHEN recording_state = 'pending' THEN 'missing' ELSE recording_state END;
-- recordings' addresses, from which anybody can listen: folding again would bring them back
UPDATE ccp_call_event
   SET payload = regexp_replace(payload, 'https?:(?:\\?/){2}[^[:space:]"''<>]*', '', 'gi')
 WHERE payload ~* 'https?:';
-- the same, of those that spell an address in another way, which no regular expression finds
UPDATE ccp_call_event
   SET payload = ''
 WHERE payload ~* '\\u00(2f|3a|48|50|53|54|68|70|73|74)';
-- files with the password, and with records of calls
UPDATE ccp_postman_import
   SET file = NULL;
UPDATE ccp_history_import
   SET file = NULL,
       text = NULL;
