import { _t } from "@web/core/l10n/translation";
import { RPCError } from "@web/core/network/rpc";
import { registry } from "@web/core/registry";
import { user } from "@web/core/user";
import { remedyOf, sentenceOf } from "./errors";

/**
 * Returns the button that opens what resolves a refusal, unless the panel shows it already.
 *
 * @param {import("@web/env").OdooEnv} env
 * @param {import("./errors").Remedy|undefined} remedy
 * @returns {{name: string, onClick: () => Promise<void>, primary: boolean}[]}
 */
export function remedyButtons(env, remedy) {
    const { action, orm } = env.services;
    if (remedy?.opens === "preferences") {
        const onClick = async () => {
            const preferences = await orm.call("res.users", "action_get");
            await action.doAction({ ...preferences, res_id: user.userId });
        };
        return [{ name: _t("Open My Preferences"), onClick, primary: true }];
    }
    if (remedy?.opens === "record") {
        const onClick = () =>
            action.doAction({
                type: "ir.actions.act_window",
                res_model: remedy.res_model,
                res_id: remedy.res_id,
                views: [[false, "form"]],
            });
        return [{ name: _t("Open the record"), onClick, primary: true }];
    }
    return [];
}

/**
 * Opens what resolves a refusal if a form's button or a server action placed the call.
 *
 * @param {import("@web/env").OdooEnv} env
 * @param {import("@web/core/errors/error_service").UncaughtError} error
 * @param {Error} originalError
 * @returns {boolean} whether it was such a refusal
 */
function remedyHandler(env, error, originalError) {
    const remedy = remedyOf(originalError);
    if (!(originalError instanceof RPCError) || !remedy) {
        return false;
    }
    error.unhandledRejectionEvent?.preventDefault();
    env.services["airtel_ccp.call"].refuse(sentenceOf(originalError), remedy);
    return true;
}

registry.category("error_handlers").add("airtel_ccp.remedy", remedyHandler, { sequence: 90 });
