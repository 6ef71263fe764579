import { click, contains, start } from "@mail/../tests/mail_test_helpers";
import { beforeEach, describe, expect, getFixture, test } from "@odoo/hoot";
import { press, queryAllTexts, queryFirst } from "@odoo/hoot-dom";
import { Deferred, advanceTime, animationFrame } from "@odoo/hoot-mock";
import {
    contains as webContains,
    makeServerError,
    onRpc,
    patchWithCleanup,
    serverState,
} from "@web/../tests/web_test_helpers";

import { browser } from "@web/core/browser/browser";
import { MINIMISED_KEY } from "@airtel_ccp/call_service";
import { SEARCH_DELAY } from "@airtel_ccp/incoming/caller_choices";
import {
    DECISION_LIFE,
    HIDDEN_KEY,
    MISSED_LIFE,
    RING_DELAY,
    RING_LIFE,
    TAKEN_LIFE,
    TIDY_DELAY,
} from "@airtel_ccp/incoming/incoming_calls";
import { RingTone } from "@airtel_ccp/incoming/ring_tone";
import { INERT_TIME } from "@airtel_ccp/panel/dial_button";
import { SAVE_DELAY } from "@airtel_ccp/panel/note_keeper";
import {
    CALLER,
    UNKNOWN,
    allowCalls,
    callService,
    callValues,
    decisionValues,
    defineCallModels,
    incomingValues,
    onState,
    tellCall,
    tellIncoming,
    waitFor,
    waitForNone,
    waitUntil,
} from "./call_test_helpers";

describe.current.tags("desktop");
defineCallModels();
beforeEach(() => {
    allowCalls();
    patchWithCleanup(RingTone.prototype, { ring() {}, stop() {} });
});

const PANEL = ".o_airtel_ccp_panel";
const POPUP = ".o_airtel_ccp_popup";
const CARD = ".o_airtel_ccp_incoming_card";
const MESSAGE = ".o_airtel_ccp_incoming_message";
const RAVI = { user_id: 99, name: "Ravi" };

/** Starts a client of a company whose numbers customers call. */
async function startWith(server = {}) {
    const told = onState({ takes_calls: true, incoming: [], ...server });
    await start();
    await waitUntil(() => callService().incoming.state.takesCalls);
    return told;
}

/** Tells of a call as the server does: the bus first, and who calls when it is asked. */
async function ring(server, values, caller = CALLER) {
    const panel = values.ringing || values.id === false ? values : incomingValues(values);
    server.incoming = [{ ...panel, ...caller }];
    tellIncoming(panel);
    await waitFor(`${CARD} ${MESSAGE}:contains("${panel.message}")`);
}

/** Steps requests of `ccp.panel`. */
function onStep(method, answer) {
    onRpc("ccp.panel", method, ({ args }) => {
        expect.step([method, ...args]);
        return answer(...args);
    });
}

describe("a call rings", () => {
    test("it pops up before the phone rings, says who and why, and stays one", async () => {
        const server = await startWith();
        await ring(server, decisionValues());
        await waitFor(`${POPUP} ${CARD}:contains(Priya Sharma)`);
        await waitFor(`${CARD} .o_airtel_ccp_incoming_reason`);
        expect(`${CARD} .o_airtel_ccp_incoming_reason`).toHaveText("You own Autumn collection");
        expect(`${CARD} .o_airtel_ccp_incoming_reason a`).toHaveText("Autumn collection");
        expect(".o_airtel_ccp_incoming_about").toHaveCount(0, { message: "the reason names it" });
        expect(CARD).toHaveAttribute("role", "alertdialog");
        // The call that followed the decision, first from another agent's point of view
        await ring(server, incomingValues());
        expect(CARD).toHaveCount(1);
        expect(CARD).toHaveAttribute("data-call", "21");
        expect(MESSAGE).toHaveText("Your phone is ringing");
        const ringing = [{ user_id: serverState.userId, name: "Mitchell", state: "missed" }];
        await ring(server, {
            ...incomingValues(),
            message: "Ringing Ravi (2 of 2); you did not pick up",
            ringing: [...ringing, { ...RAVI, state: "rings" }],
        });
        expect(CARD).toHaveCount(1);
    });

    test("a call that came without a known decision is the one that was announced", async () => {
        const server = await startWith();
        await ring(server, decisionValues());
        await ring(server, incomingValues({ decision: "" }));
        expect(CARD).toHaveCount(1);
        // The same customer again, minutes later
        const again = decisionValues({ decision: "d2", start: Date.now() + 300000 });
        server.incoming.push({ ...again, ...CALLER });
        tellIncoming(again);
        await waitFor(`${CARD}:contains(Your phone is about to ring)`);
        expect(CARD).toHaveCount(2);
    });

    test("somebody else takes it: it says who, and goes", async () => {
        const server = await startWith();
        await ring(server, incomingValues());
        await ring(server, {
            ...incomingValues({ state: "in_call", own: "missed" }),
            message: "Ravi took the call",
        });
        await advanceTime(TAKEN_LIFE + TIDY_DELAY);
        await waitForNone(CARD);
    });

    test("nobody takes it: it says so, and calls back by a click", async () => {
        const server = await startWith();
        await ring(server, incomingValues());
        onRpc("ccp.call", "place", ({ args }) => {
            expect.step(args.slice(0, 2));
            return { call_id: 7, state: "ringing_agent", message: "" };
        });
        await ring(server, {
            ...incomingValues({ state: "ended", own: "missed" }),
            result: "agent_no_answer",
            message: "You missed this call",
        });
        await advanceTime(INERT_TIME);
        await click(".o_airtel_ccp_incoming_back:not(.disabled)");
        await expect.waitForSteps([["customer", 1]]);
        await advanceTime(MISSED_LIFE + TIDY_DELAY);
        await waitForNone(CARD);
    });

    test("two calls: the one at the user first, the other one in one line", async () => {
        const server = await startWith();
        const other = incomingValues({ id: 22, decision: "d2", pair: "p2", own: "waits" });
        server.incoming = [{ ...other, ...CALLER, customer: "Neha" }];
        tellIncoming(other);
        await waitFor(`${CARD}:contains(Neha)`);
        const own = incomingValues();
        server.incoming = [...server.incoming, { ...own, ...CALLER }];
        tellIncoming(own);
        await waitFor(`${CARD}:contains(Priya)`);
        const cards = queryAllTexts(CARD);
        expect(cards[0]).toMatch(/Priya[^]*You own/);
        expect(cards[1]).not.toMatch(/You own/);
    });

    test("a withheld number, and a record that the user may not see", async () => {
        const server = await startWith();
        await ring(server, incomingValues({ phone: "" }), { ...UNKNOWN, known: true });
        await waitFor(`${CARD}:contains(Number withheld)`);
        expect(".o_airtel_ccp_incoming_open").toHaveCount(0);
        expect(".o_airtel_ccp_incoming_reason a").toHaveCount(0);
        expect(".o_airtel_ccp_new_lead").toHaveCount(0);
    });
});

describe("nothing is lost, nothing is in the way", () => {
    test("a half-written note stays where it is; the call waits beside it", async () => {
        const ended = { id: 5, state: "ended", result: "connected", customer: "Arjun Patel" };
        const server = await startWith({ call: ended });
        onStep("save_note", (_id, note) => ({ saved: true, note }));
        onStep("open_call", () => true);
        await contains(PANEL);
        await webContains(".o_airtel_ccp_note").edit("He wants lin", { confirm: false });
        const mine = incomingValues({ state: "in_call", mine: true, own: "talks" });
        await ring(server, { ...mine, message: "You are talking" });
        expect(`${PANEL} ${CARD}`).toHaveCount(1);
        expect(POPUP).toHaveCount(0);
        expect(".o_airtel_ccp_customer").toHaveText("Arjun Patel");
        expect(".o_airtel_ccp_note").toHaveValue("He wants lin");
        expect(".o_airtel_ccp_note").toBeFocused();
        await advanceTime(SAVE_DELAY);
        await expect.waitForSteps([["save_note", 5, "He wants lin", ""]]);
        await advanceTime(RING_DELAY * 4);
        expect(".o_airtel_ccp_note").toHaveValue("He wants lin");
        server.call = callValues({ ...server.incoming[0], message: "You are talking" });
        await click(".o_airtel_ccp_incoming_show");
        await waitFor(".o_airtel_ccp_customer:contains(Priya Sharma)");
        await expect.waitForSteps([["open_call", 21]]);
        expect(".o_airtel_ccp_note").toHaveValue("");
        expect(CARD).toHaveCount(0);
    });

    test("a live outgoing call keeps its place", async () => {
        const server = await startWith({ call: { id: 5, state: "in_call" } });
        await contains(`${PANEL}[data-state=in_call]`);
        await ring(
            server,
            incomingValues({ state: "in_call", mine: true, message: "You are talking" })
        );
        expect(`${PANEL} ${CARD}`).toHaveCount(1);
        expect(callService().state.current.id).toBe(5);
    });

    test("who picks up without other work has note and outcome at once", async () => {
        const server = await startWith();
        await ring(server, incomingValues());
        const mine = incomingValues({ state: "in_call", mine: true, own: "talks" });
        server.call = { ...mine, ...CALLER, message: "You are talking" };
        server.incoming = [server.call];
        tellIncoming({ ...mine, message: "You are talking" });
        await waitFor(`${PANEL}[data-state=in_call] .o_airtel_ccp_customer:contains(Priya)`);
        expect(CARD).toHaveCount(0);
        expect(".o_airtel_ccp_note").toHaveCount(1);
        expect(".o_airtel_ccp_reason").toHaveText("You own Autumn collection");
    });

    test("another agent had it after all: the panel gives it back", async () => {
        const mine = incomingValues({ state: "in_call", mine: true, own: "talks" });
        const server = await startWith({ call: { ...mine, ...CALLER } });
        await contains(PANEL);
        server.call = undefined;
        tellIncoming(
            incomingValues({ state: "in_call", own: "missed", message: "Ravi took the call" })
        );
        await waitForNone(PANEL);
    });

    test("the focus stays with who types elsewhere, and a key leads to the call", async () => {
        const server = await startWith();
        const field = document.createElement("input");
        getFixture().append(field);
        field.focus();
        await ring(server, incomingValues());
        expect(field).toBeFocused();
        await waitFor(".o_airtel_ccp_announcement:contains(Priya Sharma: Your phone is ringing)");
        await press("alt+y");
        expect(CARD).toBeFocused();
        await press("alt+y");
        expect(field).toBeFocused();
    });

    test("a click that was meant for what lay below does nothing", async () => {
        const server = await startWith();
        onStep("new_lead", () => ({ res_model: "customer", res_id: 1 }));
        await ring(server, incomingValues(), UNKNOWN);
        await waitFor(".o_airtel_ccp_new_lead");
        queryFirst(".o_airtel_ccp_new_lead").click();
        queryFirst(".o_airtel_ccp_incoming_hide").click();
        await animationFrame();
        expect.verifySteps([]);
        expect(CARD).toHaveCount(1);
    });

    test("a minimised panel stays so; the call shows above the page", async () => {
        browser.localStorage.setItem(MINIMISED_KEY, "true");
        const server = await startWith({ call: { state: "ended", result: "connected" } });
        await ring(server, incomingValues());
        expect(`${POPUP} ${CARD}`).toHaveCount(1);
        expect(PANEL).toHaveCount(0);
        expect(document.body).not.toHaveClass("o_airtel_ccp_docked");
    });

    test("put away in one tab, in all; picked up, it is there again", async () => {
        const server = await startWith();
        await ring(server, incomingValues());
        await advanceTime(INERT_TIME);
        await click(".o_airtel_ccp_incoming_hide");
        await waitForNone(CARD);
        tellIncoming(incomingValues({ message: "Your phone is ringing again" }));
        await animationFrame();
        expect(CARD).toHaveCount(0);
        expect(browser.localStorage.getItem(HIDDEN_KEY)).toMatch(/"21"/);
        browser.localStorage.setItem(HIDDEN_KEY, "{}");
        window.dispatchEvent(new StorageEvent("storage", { key: HIDDEN_KEY }));
        await waitFor(CARD);
        await advanceTime(INERT_TIME);
        await click(".o_airtel_ccp_incoming_hide");
        callService().state.current = callValues({ id: 5, state: "in_call" });
        tellIncoming(incomingValues({ state: "in_call", mine: true, message: "You are talking" }));
        await waitFor(CARD);
    });
});

describe("a lost message leaves no dead pop-up", () => {
    test("the server does not speak of the call any more", async () => {
        const server = await startWith();
        await ring(server, incomingValues());
        server.incoming = [];
        await advanceTime(RING_DELAY);
        await waitForNone(CARD);
    });

    test("how it ended is read", async () => {
        const server = await startWith();
        await ring(server, incomingValues());
        const end = { result: "agent_no_answer", message: "You missed this call" };
        server.incoming = [
            { ...incomingValues({ state: "ended", own: "missed" }), ...CALLER, ...end },
        ];
        await advanceTime(RING_DELAY);
        await waitFor(`${MESSAGE}:contains(You missed this call)`);
    });

    test("the server is asked about what is shown", async () => {
        const asked = [];
        const server = await startWith();
        onRpc("ccp.panel", "state", ({ args }) => {
            asked.push(args);
        });
        await ring(server, incomingValues());
        await advanceTime(RING_DELAY);
        await waitUntil(() => asked.at(-1)?.[1]);
        expect(asked.at(-1)).toEqual([null, [21]]);
    });

    test("no call follows a decision", async () => {
        const server = await startWith();
        await ring(server, decisionValues());
        patchWithCleanup(callService(), { load: async () => false });
        await advanceTime(DECISION_LIFE + TIDY_DELAY);
        await waitForNone(CARD);
    });

    test("the server cannot be reached", async () => {
        const server = await startWith();
        await ring(server, incomingValues());
        patchWithCleanup(callService(), { load: async () => false });
        await advanceTime(RING_LIFE - TIDY_DELAY * 5);
        expect(CARD).toHaveCount(1);
        await advanceTime(TIDY_DELAY * 10);
        await waitForNone(CARD);
    });

    test("a late message does not bring back what is over", async () => {
        const server = await startWith();
        await ring(server, incomingValues());
        await ring(server, {
            ...incomingValues({ state: "in_call", own: "missed" }),
            message: "Ravi took the call",
        });
        tellIncoming(decisionValues());
        await animationFrame();
        expect(CARD).toHaveCount(1);
        expect(MESSAGE).toHaveText("Ravi took the call");
    });

    test("an answer that is older than the bus changes names only", async () => {
        const server = await startWith();
        await ring(server, incomingValues());
        const late = new Deferred();
        onRpc("ccp.panel", "state", () => late);
        callService().load();
        tellIncoming(incomingValues({ message: "Ringing you and Ravi" }));
        await waitFor(`${MESSAGE}:contains(Ringing you and Ravi)`);
        server.incoming = [{ ...incomingValues(), ...CALLER, customer: "Priya S" }];
        late.resolve();
        await waitFor(`${CARD}:contains(Priya S)`);
        expect(MESSAGE).toHaveText("Ringing you and Ravi");
    });

    test("what is over when the browser learns of it pops up nowhere", async () => {
        await startWith();
        tellIncoming(incomingValues({ state: "ended", own: "missed" }));
        await animationFrame();
        await animationFrame();
        expect(CARD).toHaveCount(0);
    });

    test("what a colleague has taken pops up nowhere", async () => {
        const server = await startWith();
        await ring(server, incomingValues());
        const taken = incomingValues({
            state: "in_call",
            own: "missed",
            message: "Ravi took the call",
        });
        server.incoming = [];
        tellIncoming(taken);
        await waitFor(`${MESSAGE}:contains(Ravi took the call)`);
        await advanceTime(TAKEN_LIFE + TIDY_DELAY);
        await waitForNone(CARD);
        tellIncoming({ ...taken, message: "Ravi took the call, and wrote a note" });
        await animationFrame();
        await animationFrame();
        expect(CARD).toHaveCount(0);
    });

    test("a reload shows what rings", async () => {
        await startWith({ incoming: [{ ...incomingValues(), ...CALLER }] });
        await waitFor(`${POPUP} ${CARD}:contains(Priya Sharma)`);
    });
});

describe("who calls", () => {
    test("an unknown number becomes a lead, once", async () => {
        const server = await startWith();
        const made = new Deferred();
        onStep("new_lead", () => made);
        await ring(server, incomingValues(), UNKNOWN);
        await waitFor(`${CARD}:contains(Unknown number)`);
        await advanceTime(INERT_TIME);
        await click(".o_airtel_ccp_new_lead");
        await click(".o_airtel_ccp_new_contact");
        server.incoming = [{ ...incomingValues(), ...CALLER }];
        made.resolve({ res_model: "customer", res_id: 1 });
        await contains(".o_action_manager .o_form_view");
        expect(".modal").toHaveCount(0);
        await waitFor(`${CARD}:contains(Priya Sharma)`);
        expect.verifySteps([["new_lead", 21]]);
        expect(".o_airtel_ccp_new_lead").toHaveCount(0);
    });

    test("a refusal is said at the call", async () => {
        const server = await startWith();
        onRpc("ccp.panel", "new_contact", () => {
            throw makeServerError({ type: "UserError", description: "This call has a record." });
        });
        await ring(server, incomingValues(), UNKNOWN);
        await advanceTime(INERT_TIME);
        await click(".o_airtel_ccp_new_contact");
        await waitFor(".o_airtel_ccp_incoming_problem:contains(This call has a record.)");
    });

    test("another record is a click away, with the reason", async () => {
        const server = await startWith();
        const candidates = [{ model: "customer", id: 2, name: "Spare parts", reason: "yours" }];
        const caller = { ...CALLER, candidates, reason_text: "You spoke with the customer last" };
        onStep("choose_record", () => {
            server.incoming = [{ ...incomingValues({ res_id: 2 }), ...CALLER, customer: "Neha" }];
            return true;
        });
        await ring(server, incomingValues(), caller);
        await advanceTime(INERT_TIME);
        await waitFor(".o_airtel_ccp_candidate");
        expect(".o_airtel_ccp_incoming_about").toHaveText("Autumn collection");
        expect(".o_airtel_ccp_candidate").toHaveText(/Spare parts\s*yours/);
        await click(".o_airtel_ccp_candidate");
        await waitFor(`${CARD}:contains(Neha)`);
        expect.verifySteps([["choose_record", 21, "customer", 2]]);
    });

    test("any record is found by its name", async () => {
        const server = await startWith();
        onStep("find_records", () => [
            { model: "customer", id: 1, name: "Priya Sharma", kind: "Contact" },
        ]);
        onStep("choose_record", () => true);
        await ring(server, incomingValues(), UNKNOWN);
        await advanceTime(INERT_TIME);
        await click(".o_airtel_ccp_belongs_to");
        await waitFor(".o_airtel_ccp_belongs_search");
        const field = webContains(".o_airtel_ccp_belongs_search");
        await field.edit("p", { confirm: false });
        await advanceTime(SEARCH_DELAY);
        await field.edit("priya", { confirm: false });
        await advanceTime(SEARCH_DELAY);
        await click(".o_airtel_ccp_found");
        await waitForNone(".o_airtel_ccp_belongs_search");
        expect.verifySteps([
            ["find_records", 21, "priya"],
            ["choose_record", 21, "customer", 1],
        ]);
    });

    test("a decision without a call cannot be linked yet", async () => {
        const server = await startWith();
        await ring(server, decisionValues(), UNKNOWN);
        expect(".o_airtel_ccp_choices").toHaveCount(0);
    });

    test("an outgoing call is what it was", async () => {
        await startWith();
        tellCall({ state: "ringing_agent" });
        await contains(`${PANEL}[data-state=ringing_agent]`);
        expect(CARD).toHaveCount(0);
        expect(".o_airtel_ccp_choices").toHaveCount(0);
    });
});
