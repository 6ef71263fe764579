import { registry } from "@web/core/registry";

/**
 * Client action that calls a record; buttons and server actions return it.
 *
 * @param {import("@web/env").OdooEnv} env
 * @param {{params: {res_model: string, res_id: number, field_name: string|false}}} action
 */
async function callRecordAction(env, { params }) {
    const { res_model, res_id, field_name } = params;
    await env.services["airtel_ccp.call"].call(res_model, res_id, field_name || null);
}

registry.category("actions").add("airtel_ccp.call", callRecordAction);
