import { contains, openFormView, start, startServer } from "@mail/../tests/mail_test_helpers";
import { describe, expect, test } from "@odoo/hoot";
import { Deferred, animationFrame } from "@odoo/hoot-mock";
import { makeServerError, onRpc, patchWithCleanup } from "@web/../tests/web_test_helpers";

import { BUS_MESSAGE } from "@airtel_ccp/call_service";
import { busService } from "@bus/services/bus_service";
import {
    SENTENCE,
    allowCalls,
    callService,
    callValues,
    defineCallModels,
    onPlace,
    onState,
    panelState,
    tellCall,
    waitUntil,
} from "./call_test_helpers";

describe.current.tags("desktop");
defineCallModels();

/** Steps each subscription of the addon to the bus. */
function stepSubscriptions() {
    patchWithCleanup(busService, {
        start() {
            const bus = super.start(...arguments);
            patchWithCleanup(bus, {
                subscribe(type) {
                    if (type === BUS_MESSAGE) {
                        expect.step(`subscribe ${type}`);
                    }
                    return super.subscribe(...arguments);
                },
            });
            return bus;
        },
    });
}

async function tell(values) {
    tellCall(values);
    await animationFrame();
    await animationFrame();
}

/** Expects one notice on the screen. */
async function expectOnlyNotice(text) {
    await contains(".o_notification", { text });
    await contains(".o_notification", { count: 1 });
}

test("users who cannot call: no subscription, no request", async () => {
    stepSubscriptions();
    onRpc("ccp.call", "*", ({ method }) => expect.step(method));
    await start();
    await callService().call("customer", 1, "phone");
    await tell();
    expect(".o_notification").toHaveCount(0);
    expect.verifySteps([]);
});

test("users who can call: one subscription, one request", async () => {
    allowCalls();
    stepSubscriptions();
    onRpc("ccp.call", "*", ({ method }) => expect.step(method));
    onRpc("ccp.panel", "*", ({ method }) => expect.step(method));
    await start();
    await animationFrame();
    expect.verifySteps([`subscribe ${BUS_MESSAGE}`, "state"]);
});

test("an answer that comes after the bus does not turn the call back", async () => {
    allowCalls();
    const server = onState();
    const answer = new Deferred();
    await start();
    await animationFrame();
    onRpc("ccp.panel", "state", () => answer);
    onPlace();
    const placed = callService().call("customer", 1, "phone");
    await animationFrame();
    await tell({ state: "ringing_customer", message: "You picked up, calling Priya" });
    await waitUntil(() => callService().state.current?.state === "ringing_customer");
    server.call = {};
    answer.resolve(panelState({ call: { state: "ringing_agent" } }));
    await placed;
    expect(callService().state.current.state).toBe("ringing_customer");
    await contains(".o_airtel_ccp_message", { text: "You picked up, calling Priya" });
});

test("a notification that was overtaken by a newer one changes nothing", async () => {
    allowCalls();
    await start();
    const told = (values) => ({ panel: callValues({ id: 7, ...values }) });
    callService().onTold(told({ state: "in_call" }), 102);
    callService().onTold(told({ state: "ringing_agent" }), 101);
    expect(callService().state.current.state).toBe("in_call");
});

test("what the user may see of a call is asked once, and kept", async () => {
    allowCalls();
    const server = onState();
    onRpc("ccp.panel", "state", () => {
        expect.step("state");
        return panelState(server);
    });
    await start();
    await animationFrame();
    expect.verifySteps(["state"]);
    server.call = { record_name: "Priya Sharma, deal" };
    await tell({ state: "ringing_agent" });
    await contains(".o_airtel_ccp_customer a[title='Priya Sharma, deal']");
    await tell({ state: "ringing_customer" });
    await tell({ state: "in_call" });
    await contains(".o_airtel_ccp_customer a[title='Priya Sharma, deal']");
    await waitUntil(() => callService().state.current.state === "in_call");
    expect.verifySteps(["state"]);
    server.call = { state: "ended", result: "connected", res_id: 2, record_name: "Other deal" };
    await tell({ state: "ended", result: "connected", res_id: 2 });
    await contains(".o_airtel_ccp_customer a[title='Other deal']");
    expect.verifySteps(["state"]);
});

test("nothing is said of the record until the server answered", async () => {
    allowCalls();
    await start();
    await animationFrame();
    const answer = new Deferred();
    onRpc("ccp.panel", "state", () => answer);
    await tell({ state: "in_call" });
    expect(".o_airtel_ccp_customer").toHaveCount(1);
    expect(".o_airtel_ccp_customer a").toHaveCount(0);
    expect(".o_airtel_ccp_no_record").toHaveCount(0);
    answer.resolve(panelState({ call: { state: "in_call", can_open: false } }));
    await contains(".o_airtel_ccp_no_record");
});

test("a call that is placed clears the refusal before it", async () => {
    allowCalls();
    const server = onState();
    let isFree = false;
    onPlace(() => {
        if (!isFree) {
            throw makeServerError({ description: "You are still in a call." });
        }
        server.call = {};
        return { call_id: 7, state: "ringing_agent", message: SENTENCE };
    });
    await start();
    expect(await callService().call("customer", 1, "phone")).toBe(null);
    await expectOnlyNotice("You are still in a call.");
    isFree = true;
    expect(await callService().call("customer", 1, "phone")).toMatchObject({ call_id: 7 });
    await contains(".o_notification", { count: 0 });
    await contains(".o_airtel_ccp_message", { text: SENTENCE });
});

test("a late report corrects a call that was given up", async () => {
    allowCalls();
    await start();
    await tell({ state: "ringing_agent" });
    await tell({ state: "ended", result: "no_report", message: "Airtel sent no report." });
    await contains(".o_airtel_ccp_message", { text: "Airtel sent no report." });
    await tell({ state: "ended", result: "customer_busy", message: "Priya was busy" });
    await contains(".o_airtel_ccp_message", { text: "Priya was busy" });
});

test("a late report on an older call leaves the panel with the newer one", async () => {
    allowCalls();
    await start();
    await tell({ id: 8, customer: "Arjun" });
    await tell({ id: 7, state: "ended", result: "connected" });
    await contains(".o_airtel_ccp_customer", { text: "Arjun" });
    expect(callService().state.current.id).toBe(8);
});

test("a late report on a call that was put away does not bring it back", async () => {
    allowCalls();
    await start();
    await tell({ id: 7, state: "ended", result: "connected", dismissed: true });
    expect(".o_airtel_ccp_panel").toHaveCount(0);
});

test("a refusal that the bus tells too is shown once", async () => {
    allowCalls();
    onPlace(async () => {
        tellCall({ state: "refused", message: "Airtel refused." });
        await animationFrame();
        throw makeServerError({ description: "Airtel refused." });
    });
    await start();
    await callService().call("customer", 1, "phone");
    await animationFrame();
    await expectOnlyNotice("Airtel refused.");
});

test("when no card is named, open chatters fetch new messages", async () => {
    allowCalls();
    const pyEnv = await startServer();
    const partnerId = pyEnv["res.partner"].create({ name: "Priya" });
    const thread = { model: "res.partner", res_id: partnerId };
    pyEnv["mail.message"].create({ body: "<p>Earlier</p>", ...thread });
    await start();
    await openFormView("res.partner", partnerId);
    await contains(".o-mail-Message", { text: "Earlier" });
    pyEnv["mail.message"].create({
        body: `<div class="o_airtel_ccp_card">Airtel is calling</div>`,
        message_type: "notification",
        ...thread,
    });
    await tell({ res_model: "customer", res_id: 1, partner_id: partnerId });
    await contains(".o_airtel_ccp_card", { count: 1, text: "Airtel is calling" });
});
