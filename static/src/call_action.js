import { registry } from "@web/core/registry";

/**
 * Client action that calls a record; buttons and server actions return it.
 *
 * @param {import("@web/env").OdooEnv} env
 * @param {{params: {res_model: string, res_id: number, field_name: string|false, options?: Object}}}
 *  action `options` are further values of the click, see `ccp.call.place`
 */
async function callRecordAction(env, { params }) {
    const { res_model, res_id, field_name, options = {} } = params;
    const calls = env.services["airtel_ccp.call"];
    await calls.call(res_model, res_id, field_name || null, null, options);
}

registry.category("actions").add("airtel_ccp.call", callRecordAction);
