import { registry } from "@web/core/registry";

/**
 * Calls a record: what a button or a server action answers with to have the browser place a call.
 *
 * @param {import("@web/env").OdooEnv} env
 * @param {{params: {res_model: string, res_id: number}}} action
 */
async function callRecordAction(env, { params }) {
    await env.services["airtel_ccp.call"].call(params.res_model, params.res_id);
}

registry.category("actions").add("airtel_ccp.call", callRecordAction);
