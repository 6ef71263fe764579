import {
    click,
    contains,
    openFormView,
    start,
    startServer,
} from "@mail/../tests/mail_test_helpers";
import { describe, expect, test } from "@odoo/hoot";
import { queryAllTexts, waitUntil } from "@odoo/hoot-dom";
import { advanceTime, animationFrame } from "@odoo/hoot-mock";
import {
    makeServerError,
    onRpc,
    patchWithCleanup,
    serverState,
} from "@web/../tests/web_test_helpers";

import { BUS_MESSAGE, NOTICE_DELAY } from "@airtel_ccp/call_service";
import { busService } from "@bus/services/bus_service";
import {
    SENTENCE,
    allowCalls,
    callService,
    defineCallModels,
    onPlace,
    tellCall,
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

test("users who can call: one subscription, no request", async () => {
    allowCalls();
    stepSubscriptions();
    onRpc("ccp.call", "*", ({ method }) => expect.step(method));
    await start();
    expect.verifySteps([`subscribe ${BUS_MESSAGE}`]);
});

test("one notice follows a call to its end", async () => {
    allowCalls();
    onPlace();
    await start();
    await callService().call("customer", 1, "phone");
    await tell();
    await expectOnlyNotice(SENTENCE);
    expect(callService().state.current.message).toBe(SENTENCE);
    await tell({ state: "ringing_customer", message: "Airtel is calling Priya." });
    await expectOnlyNotice("Airtel is calling Priya.");
    expect(".o_notification_bar").toHaveClass("bg-info");
    await tell({ state: "in_call", message: "Connected with Priya." });
    await expectOnlyNotice("Connected with Priya.");
    expect(callService().state.current).toMatchObject({
        id: 7,
        state: "in_call",
        result: false,
        res_model: "customer",
        res_id: 1,
    });
    await tell({ state: "ended", result: "connected", message: "Connected, talked for 00:42." });
    await expectOnlyNotice("Connected, talked for 00:42.");
    expect(".o_notification_bar").toHaveClass("bg-success");
    expect(callService().state.current.result).toBe("connected");
    await advanceTime(NOTICE_DELAY - 500);
    await contains(".o_notification", { count: 1 });
    await advanceTime(1000);
    await contains(".o_notification", { count: 0 });
});

test("an answer that comes after the bus does not turn the call back", async () => {
    allowCalls();
    onPlace(async () => {
        tellCall({ state: "ringing_agent" });
        tellCall({ state: "ringing_customer", message: "Airtel is calling Priya." });
        await waitUntil(() => callService().state.current?.state === "ringing_customer");
        return { call_id: 7, state: "ringing_agent", message: SENTENCE };
    });
    await start();
    await callService().call("customer", 1, "phone");
    await animationFrame();
    expect(callService().state.current.state).toBe("ringing_customer");
    await expectOnlyNotice("Airtel is calling Priya.");
});

test("a notification that was overtaken by a newer one changes nothing", async () => {
    allowCalls();
    await start();
    const call = { id: 7, result: false, res_model: "customer", res_id: 1, partner_id: false };
    callService().onTold({ ...call, state: "in_call", message: "Connected with Priya." }, 102);
    callService().onTold({ ...call, state: "ringing_agent", message: "Calling you." }, 101);
    expect(callService().state.current.state).toBe("in_call");
    await expectOnlyNotice("Connected with Priya.");
});

test("a call that is placed clears the refusal before it", async () => {
    allowCalls();
    let isFree = false;
    onPlace(() => {
        if (!isFree) {
            throw makeServerError({ description: "You are still in a call." });
        }
        return { call_id: 7, state: "ringing_agent", message: SENTENCE };
    });
    await start();
    expect(await callService().call("customer", 1, "phone")).toBe(null);
    await expectOnlyNotice("You are still in a call.");
    isFree = true;
    expect(await callService().call("customer", 1, "phone")).toMatchObject({ call_id: 7 });
    await expectOnlyNotice(SENTENCE);
});

test("a late summary corrects a call that was given up", async () => {
    allowCalls();
    await start();
    await tell({ state: "ended", result: "no_report", message: "Airtel sent no report." });
    expect(".o_notification_bar").toHaveClass("bg-danger");
    await tell({ state: "ended", result: "customer_busy", message: "Priya was busy." });
    await expectOnlyNotice("Priya was busy.");
    expect(".o_notification_bar").toHaveClass("bg-warning");
    expect(callService().state.current.result).toBe("customer_busy");
});

test("a sentence that changes without the state is shown too", async () => {
    allowCalls();
    await start();
    const ended = { state: "ended", result: "connected" };
    await tell({ ...ended, message: "Connected, talked for 00:00." });
    await expectOnlyNotice("Connected, talked for 00:00.");
    await tell({ ...ended, message: "Connected, talked for 00:42." });
    await expectOnlyNotice("Connected, talked for 00:42.");
});

test("a closed notice comes back at the end of the call only", async () => {
    allowCalls();
    await start();
    await tell();
    await click(".o_notification_close");
    await tell({ state: "in_call", message: "Connected with Priya." });
    await contains(".o_notification", { count: 0 });
    await tell({ state: "ended", result: "connected", message: "Connected, talked for 00:42." });
    await expectOnlyNotice("Connected, talked for 00:42.");
});

test("calls that are over are forgotten when a new one begins", async () => {
    allowCalls();
    await start();
    await tell({ id: 7, state: "ended", result: "connected", message: "Over." });
    await tell({ id: 8, res_id: 2, message: "The next one." });
    await expectOnlyNotice("The next one.");
    expect(Object.keys(callService().state.calls)).toEqual(["8"]);
    expect(callService().state.current.res_id).toBe(2);
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

test("the chatter's card appears and changes in place", async () => {
    allowCalls();
    const pyEnv = await startServer();
    const partnerId = pyEnv["res.partner"].create({ name: "Priya" });
    pyEnv["mail.message"].create({
        body: "<p>Earlier</p>",
        model: "res.partner",
        res_id: partnerId,
    });
    onRpc("/mail/thread/messages", () => expect.step("fetch messages"));
    await start();
    await openFormView("res.partner", partnerId);
    await contains(".o-mail-Message", { text: "Earlier" });
    expect.verifySteps(["fetch messages"]);

    const message = (id, text) => ({
        id,
        author_id: serverState.partnerId,
        body: ["markup", `<div class="o_airtel_ccp_card">${text}</div>`],
        date: "2026-01-05 10:00:00",
        message_type: "notification",
        model: "res.partner",
        res_id: partnerId,
        thread: { model: "res.partner", id: partnerId },
    });
    const lead = { res_model: "customer", res_id: 1, partner_id: partnerId };
    await tell({ ...lead, store_data: { "mail.message": [message(9001, "Calling")] } });
    await contains(".o-mail-Message", { count: 2 });
    await contains(".o_airtel_ccp_card", { count: 1, text: "Calling" });
    await tell({
        ...lead,
        state: "in_call",
        store_data: { "mail.message": [message(9001, "Connected"), message(9000, "Before")] },
    });
    await contains(".o-mail-Message", { count: 3 });
    expect(queryAllTexts(".o_airtel_ccp_card")).toEqual(["Connected", "Before"]);
    expect.verifySteps([]);
});

test("without the card's text, open chatters fetch new messages", async () => {
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
