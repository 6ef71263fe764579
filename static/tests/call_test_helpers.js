import { defineMailModels } from "@mail/../tests/mail_test_helpers";
import {
    defineModels,
    fields,
    getService,
    models,
    onRpc,
    patchWithCleanup,
    serverState,
    MockServer,
} from "@web/../tests/web_test_helpers";

import { session } from "@web/session";

export const SENTENCE = "Airtel is calling your phone 98xx xxx901. Pick up, and it calls Priya.";

class Customer extends models.Model {
    _name = "customer";

    name = fields.Char();
    phone = fields.Char();
    ccp_call_count = fields.Integer();
    contact_ids = fields.One2many({ relation: "customer.contact", relation_field: "customer_id" });

    _records = [
        { id: 1, name: "Priya Sharma", phone: "+91 70000 00101", contact_ids: [1] },
        { id: 2, name: "Nobody's number", phone: false },
    ];
    _views = {
        form: /* xml */ `<form><field name="name"/></form>`,
        list: /* xml */ `<list><field name="name"/></list>`,
        search: /* xml */ `<search/>`,
    };
}

class CustomerContact extends models.Model {
    _name = "customer.contact";

    name = fields.Char();
    phone = fields.Char();
    customer_id = fields.Many2one({ relation: "customer" });

    _records = [{ id: 1, name: "Arjun", phone: "+91 70000 00104", customer_id: 1 }];
}

class CallFlow extends models.Model {
    _name = "ccp.call.flow";

    caller_number = fields.Char();

    _records = [{ id: 1, caller_number: "8000000001" }];
}

class Call extends models.Model {
    _name = "ccp.call";
}

export function defineCallModels() {
    defineMailModels();
    defineModels([Call, CallFlow, Customer, CustomerContact]);
}

/** Gives the user of the test the right to call, as `session_info` does. */
export function allowCalls() {
    patchWithCleanup(session, { airtel_ccp: { can_call: true } });
}

/**
 * Answers `ccp.call.place`.
 *
 * @param {(resModel: string, resId: number, fieldName: string) => any} [answer]
 */
export function onPlace(
    answer = () => ({ call_id: 7, state: "ringing_agent", message: SENTENCE })
) {
    onRpc("ccp.call", "place", ({ args }) => answer(...args));
}

/** Sends what `ccp.folder` sends to the agent's browser. */
export function tellCall(values) {
    const [partner] = MockServer.env["res.partner"].browse(serverState.partnerId);
    MockServer.env["bus.bus"]._sendone(partner, "airtel_ccp.call", {
        id: 7,
        state: "ringing_agent",
        result: false,
        res_model: "customer",
        res_id: 1,
        partner_id: false,
        message: "Airtel is calling Mitchell.",
        ...values,
    });
}

/** @returns {import("@airtel_ccp/call_service").CallService} */
export function callService() {
    return getService("airtel_ccp.call");
}
