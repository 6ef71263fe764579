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
       recording_asked_date = NULL,
       recording_expiry = NULL;
