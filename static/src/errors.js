import { _t } from "@web/core/l10n/translation";
import { ConnectionLostError, RPCError } from "@web/core/network/rpc";

// Errors with a sentence for the user: what happened and who can correct it. Others are faults.
const EXPECTED_ERRORS = [
    "odoo.exceptions.AccessError",
    "odoo.exceptions.MissingError",
    "odoo.exceptions.UserError",
    "odoo.exceptions.ValidationError",
];
const SESSION_EXPIRED = "odoo.http.SessionExpiredException";

/**
 * @param {Error} error
 * @returns {boolean} whether the user is logged out
 */
export function isSessionExpired(error) {
    return error instanceof RPCError && error.exceptionName === SESSION_EXPIRED;
}

/**
 * Returns a sentence on why a request failed; undefined for a programming error.
 *
 * @param {Error} error
 * @returns {string|undefined}
 */
export function sentenceOf(error) {
    if (error instanceof ConnectionLostError) {
        return _t("The connection is lost.");
    }
    if (isSessionExpired(error)) {
        return _t("You are logged out: log in again in another tab, then come back.");
    }
    if (error instanceof RPCError && EXPECTED_ERRORS.includes(error.exceptionName)) {
        return error.data.message;
    }
}

/**
 * @typedef {Object} Remedy what resolves a refusal
 * @property {"outcome"|"panel"|"preferences"|"record"} opens
 * @property {number} [call_id] the call that lacks an outcome
 * @property {string} [res_model] the record to correct
 * @property {number} [res_id]
 */

/**
 * @param {Error} error
 * @returns {Remedy|undefined} what resolves a refusal, if the user can do that
 */
export function remedyOf(error) {
    return error instanceof RPCError ? error.data?.context?.airtel_ccp_remedy : undefined;
}
