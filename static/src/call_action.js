import { registry } from "@web/core/registry";

/**
 * Calls a record: what a button or a server action answers with to have the browser place a call.
 *
 * @param {import("@web/env").OdooEnv} env
 * @param {{params: {res_model: string, res_id: number, field_name: string|false}}} action
 */
async function callRecordAction(env, { params }) {
    const { res_model, res_id, field_name } = params;
    await env.services["airtel_ccp.call"].call(res_model, res_id, field_name || null);
}

registry.category("actions").add("airtel_ccp.call", callRecordAction);
