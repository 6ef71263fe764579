import * as dom from "@odoo/hoot-dom";
import { defineMailModels } from "@mail/../tests/mail_test_helpers";
import {
    authenticate,
    defineModels,
    fields,
    getService,
    makeMockServer,
    models,
    onRpc,
    patchWithCleanup,
    serverState,
    MockServer,
} from "@web/../tests/web_test_helpers";

import { omit } from "@web/core/utils/objects";
import { session } from "@web/session";

/** What `ccp.panel.state` says of an outgoing call and the bus does not. */
const READER_VALUES = ["can_open", "record_name", "last"];

// The runner itself waits 200 ms, which is little for a machine that does something else meanwhile
const PATIENCE = { timeout: 5000 };
export const waitFor = (target, options) => dom.waitFor(target, { ...PATIENCE, ...options });
export const waitForNone = (target, options) =>
    dom.waitForNone(target, { ...PATIENCE, ...options });
export const waitUntil = (predicate, options) =>
    dom.waitUntil(predicate, { ...PATIENCE, ...options });

export const SENTENCE = "Calling your phone 70xxxxx901. No report from Airtel yet.";

export const OUTCOMES = [
    { id: 1, name: "Interested", color: 10 },
    { id: 2, name: "Call back later", color: 3 },
    { id: 3, name: "Not interested", color: 0 },
];

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

    customer_name = fields.Char();
    state = fields.Selection({
        selection: [
            ["ringing_agent", "Agent's phone rings"],
            ["ringing_customer", "Customer's phone rings"],
            ["in_call", "In call"],
            ["ended", "Ended"],
        ],
    });
    talk_seconds = fields.Integer();
    recording_problem = fields.Char();
    recording_state = fields.Selection({
        selection: [
            ["none", "Not recorded"],
            ["pending", "Being prepared"],
            ["stored", "Ready"],
            ["missing", "Not delivered by Airtel"],
            ["deleted", "Deleted by retention"],
            ["erased", "Erased on request"],
        ],
    });
}

class CallListItem extends models.Model {
    _name = "ccp.call.list.item";
}

class Panel extends models.Model {
    _name = "ccp.panel";

    state() {
        return panelState({ call: this.told });
    }

    follow_up_times() {
        return [
            { key: "hour", when: "2030-01-01 10:00:00", label: "Today at 15:30" },
            { key: "tomorrow", when: "2030-01-02 04:30:00", label: "Tomorrow at 10:00" },
        ];
    }
}

export function defineCallModels() {
    defineMailModels();
    defineModels([Call, CallFlow, CallListItem, Customer, CustomerContact, Panel]);
}

/** Gives the user of the test the right to call, as `session_info` does. */
export function allowCalls() {
    patchWithCleanup(session, { airtel_ccp: { can_call: true } });
}

/** Starts the server and logs in: only then does a browser hear what is sent to its user. */
export async function logIn() {
    const { env } = await makeMockServer();
    const [user] = env["res.users"].search_read([["id", "=", serverState.userId]]);
    authenticate(user.login, user.password);
}

/** What `ccp.panel` tells about a call. */
export function callValues(values) {
    const state = values?.state ?? "ringing_agent";
    return {
        id: 7,
        direction: "outbound",
        state,
        result: false,
        live: !["ended", "refused"].includes(state),
        tone: "info",
        dismissed: false,
        customer: "Priya Sharma",
        phone: "70xxxxx101",
        agent_phone: "70xxxxx901",
        company: "Sharma Textiles",
        res_model: "customer",
        res_id: 1,
        can_open: true,
        record_name: "Priya Sharma",
        partner_id: false,
        message: SENTENCE,
        reported: false,
        start: Date.now(),
        answer: false,
        now: Date.now(),
        talk_seconds: 0,
        note: "",
        outcome_id: false,
        recorded: false,
        announced: false,
        recording: "none",
        follow_up: false,
        last: false,
        ...values,
    };
}

/** What `ccp.panel.state` answers; `call` holds values of the call, or nothing. */
export function panelState({ call, ...values } = {}) {
    return {
        call: call ? callValues(call) : false,
        outcomes: OUTCOMES,
        require_outcome: false,
        list: { waiting: 0, next: false },
        reports_late: false,
        incoming: [],
        takes_calls: false,
        away_until: false,
        callbacks: 0,
        ...values,
    };
}

/** What `ccp.panel.state` says of somebody who calls and the bus does not. */
export const CALLER = {
    customer: "Priya Sharma",
    company: "Sharma Textiles",
    known: true,
    can_open: true,
    record_name: "Autumn collection",
    candidates: [],
    reason_text: "You own Autumn collection",
    last: false,
};

/** Nobody knows who calls. */
export const UNKNOWN = {
    ...CALLER,
    customer: "",
    company: "",
    known: false,
    can_open: false,
    record_name: "",
    reason_text: "For the team of this number",
};

/** What each message of the bus says of an incoming call; by default it rings at the user. */
export function incomingValues({ own = "rings", mine = false, ...values } = {}) {
    const state = values.state ?? "ringing_agent";
    const ringing = [{ user_id: serverState.userId, name: "Mitchell", state: own }];
    return {
        ...(mine && omit(callValues({ state }), ...READER_VALUES, "customer", "company")),
        id: 21,
        decision: "d1",
        pair: "p1",
        direction: "inbound",
        mine,
        state,
        result: false,
        live: state !== "ended",
        tone: "info",
        trial: false,
        dismissed: false,
        phone: "70xx…01",
        res_model: "customer",
        res_id: 1,
        partner_id: false,
        message: "Your phone is ringing",
        reason: "record_owner",
        ringing,
        at_once: false,
        start: Date.now(),
        answer: false,
        now: Date.now(),
        ...values,
    };
}

/** A routing decision that no call has followed yet. */
export function decisionValues(values) {
    return incomingValues({
        id: false,
        own: "waits",
        message: "Your phone is about to ring",
        res_model: false,
        res_id: false,
        ...values,
    });
}

/** Sends what a decision, or a fold of an incoming call, sends to those whom the call rings. */
export function tellIncoming(panel) {
    const [partner] = MockServer.env["res.partner"].browse(serverState.partnerId);
    MockServer.env["bus.bus"]._sendone(partner, "airtel_ccp.call", { panel, card_ids: [] });
}

/** Sends any other message to the user's browsers. */
export function tellUser(type, values) {
    const [partner] = MockServer.env["res.partner"].browse(serverState.partnerId);
    MockServer.env["bus.bus"]._sendone(partner, type, values);
}

/**
 * Answers `ccp.panel.state` with what stands in an object that a test may change.
 *
 * @param {Object} [server] see `panelState`
 */
export function onState(server = {}) {
    onRpc("ccp.panel", "state", () => panelState(server));
    return server;
}

/**
 * Answers `ccp.call.place`.
 *
 * @param {(...args: any[]) => any} [answer] gets model, id, field name, chosen number and entry of
 *  the call list
 */
export function onPlace(
    answer = () => ({ call_id: 7, state: "ringing_agent", message: SENTENCE })
) {
    onRpc("ccp.call", "place", ({ args }) => answer(...args));
}

/** Sends what `ccp.call` sends to the browsers of leaders and managers. */
export function tellLive() {
    const [partner] = MockServer.env["res.partner"].browse(serverState.partnerId);
    MockServer.env["bus.bus"]._sendone(partner, "airtel_ccp.live", {});
}

/** Sends what `ccp.health` sends to the browsers of those who may call. */
export function tellHealth(values) {
    const [partner] = MockServer.env["res.partner"].browse(serverState.partnerId);
    MockServer.env["bus.bus"]._sendone(partner, "airtel_ccp.health", values);
}

/** Sends what a change of the user's call list sends to the user's browsers. */
export function tellList() {
    const [partner] = MockServer.env["res.partner"].browse(serverState.partnerId);
    MockServer.env["bus.bus"]._sendone(partner, "airtel_ccp.list", {});
}

/**
 * Sends what a fold sends to the agent's browser: nothing that depends on what the user may see.
 * That is in the answer of `ccp.panel.state`, see also `onState`.
 */
export function tellCall({ card_ids = [], ...values } = {}) {
    const [partner] = MockServer.env["res.partner"].browse(serverState.partnerId);
    const panel = omit(callValues(values), ...READER_VALUES);
    const isGone = panel.dismissed || panel.state === "refused";
    MockServer.env["ccp.panel"].told = isGone ? undefined : values;
    MockServer.env["bus.bus"]._sendone(partner, "airtel_ccp.call", { panel, card_ids });
}

/** @returns {import("@airtel_ccp/call_service").CallService} */
export function callService() {
    return getService("airtel_ccp.call");
}
