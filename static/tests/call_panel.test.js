import { click, contains, start } from "@mail/../tests/mail_test_helpers";
import { beforeEach, describe, expect, test } from "@odoo/hoot";
import { edit, press, queryAllTexts, queryFirst } from "@odoo/hoot-dom";
import { Deferred, advanceTime, animationFrame } from "@odoo/hoot-mock";
import {
    contains as webContains,
    getService,
    makeServerError,
    onRpc,
    patchWithCleanup,
} from "@web/../tests/web_test_helpers";

import { WORKER_STATE } from "@bus/workers/websocket_worker";
import { browser } from "@web/core/browser/browser";
import { registry } from "@web/core/registry";
import { user } from "@web/core/user";
import { DIAL_CHOICE_KEY, chooseDial } from "@airtel_ccp/call_button/dial_choice";
import { FIND_DELAY, provideCalls } from "@airtel_ccp/call_commands";
import { BUS_PATIENCE, CHECK_DELAY, MINIMISED_KEY, POLL_DELAY } from "@airtel_ccp/call_service";
import { formatSeconds } from "@airtel_ccp/panel/call_clock";
import { INERT_TIME } from "@airtel_ccp/panel/dial_button";
import { DRAFT_PREFIX, RETRY_DELAY, SAVE_DELAY, mergeNotes } from "@airtel_ccp/panel/note_keeper";
import { rememberedRecording } from "@airtel_ccp/panel/recording_question";
import {
    allowCalls,
    callService,
    defineCallModels,
    onPlace,
    onState,
    tellCall,
    tellHealth,
    waitFor,
    waitForNone,
    waitUntil,
} from "./call_test_helpers";

describe.current.tags("desktop");
defineCallModels();

const PANEL = ".o_airtel_ccp_panel";
const CALL_AGAIN = ".o_airtel_ccp_call_again:not(.disabled)";
const NEXT = {
    id: 31,
    name: "Arjun Patel",
    phone: "70xx…04",
    attempts: 0,
    res_model: "customer",
    res_id: 2,
};

async function tell(values) {
    tellCall(values);
    await animationFrame();
    await animationFrame();
}

/** Answers and steps requests to the panel or the call list. */
function onStep(model, method, answer) {
    onRpc(model, method, ({ args }) => {
        expect.step([method, ...args]);
        return answer(...args);
    });
}

/** A server that keeps the note as `ccp.panel.save_note` does. */
function onNote(server) {
    onStep("ccp.panel", "save_note", (callId, note, seen) => {
        if (server.call.note !== seen && server.call.note !== note) {
            return { saved: false, note: server.call.note };
        }
        server.call.note = note;
        return { saved: true, note };
    });
}

async function type(text) {
    await webContains(".o_airtel_ccp_note").edit(text, { confirm: false });
}

test("users who cannot call have neither panel nor icon", async () => {
    onRpc("ccp.panel", "*", ({ method }) => expect.step(method));
    await start();
    await animationFrame();
    expect(PANEL).toHaveCount(0);
    expect(".o_airtel_ccp_systray").toHaveCount(0);
    expect.verifySteps([]);
});

describe("states", () => {
    beforeEach(allowCalls);

    const STATES = [
        { state: "queued", icon: "fa-phone", live: true },
        { state: "unknown", icon: "fa-phone", live: true },
        { state: "ringing_agent", icon: "fa-phone", live: true },
        { state: "ringing_customer", icon: "fa-phone", live: true },
        { state: "in_call", icon: "fa-volume-control-phone", live: true },
        { state: "ended", result: "connected", icon: "fa-check" },
        ...[
            "agent_no_answer",
            "agent_busy",
            "agent_unreachable",
            "customer_no_answer",
            "customer_busy",
            "customer_unreachable",
            "customer_rejected",
            "canceled",
            "failed",
            "no_report",
        ].map((result) => ({ state: "ended", result, icon: "fa-times" })),
    ];
    for (const { state, result = false, icon, live = false } of STATES) {
        test(`${state} ${result || ""}`.trim(), async () => {
            onState({ call: { state, result, message: `Sentence of ${result || state}` } });
            await start();
            await contains(PANEL, { count: 1 });
            expect(".o_airtel_ccp_message").toHaveText(`Sentence of ${result || state}`);
            expect(".o_airtel_ccp_status").toHaveAttribute("aria-live", "polite");
            expect(`${PANEL} .o_airtel_ccp_icon i.${icon}`).toHaveCount(1);
            // Both stay in their places, and one of them does nothing
            expect(".o_airtel_ccp_over").toHaveAttribute("aria-disabled", String(!live));
            expect(".o_airtel_ccp_close").toHaveCount(live ? 0 : 1);
            expect(".o_airtel_ccp_call_again").toHaveAttribute("aria-disabled", "true");
            await advanceTime(INERT_TIME);
            await animationFrame();
            expect(".o_airtel_ccp_call_again").toHaveAttribute("aria-disabled", String(live));
            expect(".o_airtel_ccp_clock").toHaveCount(0);
        });
    }

    test("a refused call is a notice and no panel", async () => {
        await start();
        await tell({ state: "refused", message: "Airtel refused." });
        await waitFor(".o_notification:contains(Airtel refused.)");
        expect(PANEL).toHaveCount(0);
    });

    test("who is called, the company, the record and the last call", async () => {
        const last = {
            id: 3,
            date: 0,
            result: "Connected",
            outcome: "Interested",
            note: "Send it",
        };
        onState({ call: { last } });
        await start();
        await waitFor(".o_airtel_ccp_customer a:contains(Priya Sharma)");
        expect(`${PANEL} header`).toHaveText(/Sharma Textiles, 70xxxxx101/);
        expect(".o_airtel_ccp_last").toHaveText(/Connected, Interested\s+Send it/);
    });

    test("a record that is gone is said to be", async () => {
        onState({ call: { state: "in_call", can_open: false, record_name: "" } });
        await start();
        await contains(".o_airtel_ccp_no_record");
        expect(".o_airtel_ccp_customer a").toHaveCount(0);
        expect(".o_airtel_ccp_follow_up").toHaveCount(0);
        expect(".o_airtel_ccp_note").toHaveCount(1);
    });

    test("the clock runs by the server's clock", async () => {
        onState({
            get call() {
                const now = Date.now() + 3600000;
                return { state: "in_call", answer: now - 42000, now };
            },
        });
        await start();
        await waitFor(".o_airtel_ccp_clock:contains(00:42)");
        await advanceTime(3000);
        expect(".o_airtel_ccp_clock").toHaveText("00:45");
        expect([59, 60, 3600, 3725].map(formatSeconds)).toEqual([
            "00:59",
            "01:00",
            "1:00:00",
            "1:02:05",
        ]);
    });

    test("follows the bus, and shows a call that another tab placed", async () => {
        await start();
        expect(PANEL).toHaveCount(0);
        await tell({ state: "ringing_agent", message: "Calling you" });
        await waitFor(".o_airtel_ccp_message:contains(Calling you)");
        await tell({ state: "in_call", message: "Connected with Priya", answer: Date.now() });
        await waitFor(".o_airtel_ccp_message:contains(Connected with Priya)");
        expect(".o_airtel_ccp_clock").toHaveCount(1);
        await tell({ state: "ended", result: "connected", talk_seconds: 42, message: "Over" });
        await waitFor(".o_airtel_ccp_talked:contains(00:42)");
        expect(".o_airtel_ccp_clock").toHaveCount(0);
        await tell({ state: "ended", result: "connected", dismissed: true });
        await waitForNone(PANEL);
    });
});

describe("note and outcome", () => {
    beforeEach(allowCalls);

    test("a note is saved once when the typing pauses", async () => {
        const server = onState({ call: { note: "" } });
        onNote(server);
        await start();
        await contains(".o_airtel_ccp_note");
        await type("Wants a sample");
        expect.verifySteps([]);
        expect(browser.localStorage.length).not.toBe(0);
        await advanceTime(SAVE_DELAY);
        expect.verifySteps([["save_note", 7, "Wants a sample", ""]]);
        await animationFrame();
        expect(Object.keys(browser.localStorage).filter((k) => k.startsWith(DRAFT_PREFIX))).toEqual(
            []
        );
    });

    test("a draft that was not saved comes back after a reload, and is saved", async () => {
        browser.sessionStorage.setItem("airtel_ccp.tab", "tab");
        browser.localStorage.setItem(
            `${DRAFT_PREFIX}7.tab`,
            JSON.stringify({ text: "Half a sent", seen: "", at: Date.now() })
        );
        const server = onState({ call: { note: "" } });
        onNote(server);
        await start();
        await contains(".o_airtel_ccp_note", { value: "Half a sent" });
        await advanceTime(SAVE_DELAY);
        expect.verifySteps([["save_note", 7, "Half a sent", ""]]);
        expect(server.call.note).toBe("Half a sent");
    });

    test("a draft of a call that is gone from the panel is saved too", async () => {
        browser.localStorage.setItem(
            `${DRAFT_PREFIX}5.old`,
            JSON.stringify({ text: "Older", seen: "", at: Date.now() - 3600000 })
        );
        onStep("ccp.panel", "save_note", (callId, note) => ({ saved: true, note }));
        onState();
        await start();
        await animationFrame();
        expect.verifySteps([["save_note", 5, "Older", ""]]);
        expect(browser.localStorage.getItem(`${DRAFT_PREFIX}5.old`)).toBe(null);
    });

    test("what a second tab wrote meanwhile is kept", async () => {
        const server = onState({ call: { note: "" } });
        onNote(server);
        await start();
        await contains(".o_airtel_ccp_note");
        await type("mine");
        server.call.note = "theirs";
        await advanceTime(SAVE_DELAY);
        await animationFrame();
        expect.verifySteps([
            ["save_note", 7, "mine", ""],
            ["save_note", 7, "theirs\nmine", "theirs"],
        ]);
        expect(".o_airtel_ccp_note").toHaveValue("theirs\nmine");
        expect(server.call.note).toBe("theirs\nmine");
        expect(mergeNotes("a b", "a c", "a")).toBe("a b\nc");
        expect(mergeNotes("a", "a b", "")).toBe("a b");
        expect(mergeNotes("a b", "b", "")).toBe("a b");
    });

    test("the bus does not overwrite what is being typed, but shows another tab's note", async () => {
        onState({ call: { note: "" } });
        onStep("ccp.panel", "save_note", (callId, note) => ({ saved: true, note }));
        await start();
        await contains(".o_airtel_ccp_note");
        await tell({ note: "from the other tab" });
        await waitUntil(() => queryFirst(".o_airtel_ccp_note").value === "from the other tab");
        await type("from the other tab, and mine");
        await tell({ state: "in_call", note: "from the other tab" });
        await waitUntil(() => callService().state.current.state === "in_call");
        await animationFrame();
        expect(".o_airtel_ccp_note").toHaveValue("from the other tab, and mine");
        await advanceTime(SAVE_DELAY);
        expect.verifySteps([
            ["save_note", 7, "from the other tab, and mine", "from the other tab"],
        ]);
    });

    test("with the connection lost the panel says so, and saves when it is back", async () => {
        const server = onState({ call: { note: "" } });
        let isLost = true;
        onRpc("ccp.panel", "save_note", ({ args }) => {
            expect.step("save_note");
            if (isLost) {
                return new Response("not JSON", { status: 502 });
            }
            server.call.note = args[1];
            return { saved: true, note: args[1] };
        });
        await start();
        await contains(".o_airtel_ccp_note");
        await type("Keep me");
        await advanceTime(SAVE_DELAY);
        await waitFor(".o_airtel_ccp_note_problem:contains(Not saved yet)");
        isLost = false;
        browser.dispatchEvent(new Event("online"));
        await contains(".o_airtel_ccp_note_problem", { count: 0 });
        expect(server.call.note).toBe("Keep me");
        expect.verifySteps(["save_note", "save_note"]);
    });

    test("logged out: the draft is kept, the panel says what to do, and it is saved after", async () => {
        const server = onState({ call: { note: "" } });
        let isExpired = true;
        onRpc("ccp.panel", "save_note", ({ args }) => {
            expect.step("save_note");
            if (isExpired) {
                throw makeServerError({ errorName: "odoo.http.SessionExpiredException" });
            }
            server.call.note = args[1];
            return { saved: true, note: args[1] };
        });
        await start();
        await contains(".o_airtel_ccp_note");
        await type("Keep me");
        await advanceTime(SAVE_DELAY);
        await waitFor(".o_airtel_ccp_note_problem:contains(You are logged out)");
        const drafts = Object.keys(browser.localStorage).filter((k) => k.startsWith(DRAFT_PREFIX));
        expect(drafts.map((key) => JSON.parse(browser.localStorage.getItem(key)).text)).toEqual([
            "Keep me",
        ]);
        isExpired = false;
        await advanceTime(RETRY_DELAY);
        await contains(".o_airtel_ccp_note_problem", { count: 0 });
        expect(server.call.note).toBe("Keep me");
        expect.verifySteps(["save_note", "save_note"]);
    });

    test("an outcome is saved when it is chosen, and taken back", async () => {
        onState({ call: { state: "in_call" }, require_outcome: true });
        onStep("ccp.panel", "save_outcome", (callId, id) => ({ outcome_id: id, warning: "" }));
        await start();
        await contains(".o_airtel_ccp_needs_outcome");
        expect(queryAllTexts(".o_airtel_ccp_outcome")).toEqual([
            "Interested",
            "Call back later",
            "Not interested",
        ]);
        await click(".o_airtel_ccp_outcome", { text: "Call back later" });
        await waitFor(".o_airtel_ccp_outcome[aria-checked=true]:contains(Call back later)");
        expect(".o_airtel_ccp_needs_outcome").toHaveCount(0);
        await click(".o_airtel_ccp_outcome[aria-checked=true]");
        await contains(".o_airtel_ccp_needs_outcome");
        expect.verifySteps([
            ["save_outcome", 7, 2],
            ["save_outcome", 7, false],
        ]);
    });

    test("outcomes are one stop of the Tab key, and arrow keys move in them", async () => {
        onState({ call: { outcome_id: 2 } });
        await start();
        await contains(".o_airtel_ccp_outcome", { count: 3 });
        expect(".o_airtel_ccp_outcome[tabindex='0']").toHaveText("Call back later");
        queryFirst(".o_airtel_ccp_outcome[tabindex='0']").focus();
        await press("ArrowRight");
        expect(document.activeElement).toHaveText("Not interested");
        await press("ArrowRight");
        expect(document.activeElement).toHaveText("Interested");
    });

    test("a consequence that failed and an outcome that is gone are said", async () => {
        onState({ call: {} });
        onRpc("ccp.panel", "save_outcome", ({ args }) => {
            if (args[1] === 3) {
                throw makeServerError({ description: "This outcome is not offered any more." });
            }
            return { outcome_id: args[1], warning: "The outcome is saved, but." };
        });
        await start();
        await click(".o_airtel_ccp_outcome", { text: "Interested" });
        await waitFor(".o_airtel_ccp_answer.alert-warning:contains(The outcome is saved, but.)");
        await click(".o_airtel_ccp_outcome", { text: "Not interested" });
        await waitFor(".o_airtel_ccp_answer.alert-danger:contains(not offered any more)");
        expect(".o_airtel_ccp_outcome[aria-checked=true]").toHaveText("Interested");
    });

    test("without outcomes the panel says who can add some", async () => {
        onState({ call: {}, outcomes: [] });
        await start();
        await waitFor(`${PANEL}:contains(No outcomes are set up)`);
    });
});

describe("what the user does", () => {
    beforeEach(allowCalls);

    test("minimise to the top bar, which a reload remembers, and back", async () => {
        onState({ call: { state: "ringing_agent" } });
        await start();
        await click(".o_airtel_ccp_minimise");
        await contains(PANEL, { count: 0 });
        expect(browser.localStorage.getItem(MINIMISED_KEY)).toBe("true");
        expect(".o_airtel_ccp_systray").toHaveAttribute("data-state", "ringing_agent");
        await tell({ state: "in_call", message: "Connected with Priya" });
        await waitFor(".o_airtel_ccp_systray[title='Connected with Priya']");
        await click(".o_airtel_ccp_systray");
        await contains(PANEL, { count: 1 });
        expect(browser.localStorage.getItem(MINIMISED_KEY)).toBe(null);
    });

    test("a panel that was minimised stays so after a reload", async () => {
        browser.localStorage.setItem(MINIMISED_KEY, "true");
        onState({ call: {} });
        await start();
        await contains(".o_airtel_ccp_systray");
        expect(PANEL).toHaveCount(0);
    });

    test("close a call that is over", async () => {
        const server = onState({ call: { state: "ended", result: "connected" } });
        onStep("ccp.panel", "dismiss", () => {
            server.call = null;
            return true;
        });
        await start();
        await click(".o_airtel_ccp_close");
        await contains(PANEL, { count: 0 });
        expect.verifySteps([["dismiss", 7]]);
    });

    test("“This call is over” asks first", async () => {
        const server = onState({ call: { state: "in_call" } });
        onStep("ccp.panel", "close", () => {
            server.call = { state: "ended", result: "no_report", message: "No report" };
            return true;
        });
        await start();
        await click(".o_airtel_ccp_over");
        await click(".modal button", { text: "Go back" });
        await contains(".modal", { count: 0 });
        expect.verifySteps([]);
        await click(".o_airtel_ccp_over");
        await click(".modal .btn-primary", { text: "This call is over" });
        await waitFor(".o_airtel_ccp_message:contains(No report)");
        expect.verifySteps([["close", 7]]);
    });

    test("several numbers: says whose each one is, the first one preselected", async () => {
        const server = onState({ call: { state: "ended", result: "connected" } });
        const choices = [
            { key: "a", owner: "Priya Sharma", label: "Phone", phone: "70000 00101" },
            { key: "b", owner: "Sharma Textiles", label: "Phone", phone: "70000 00102" },
        ];
        onPlace((resModel, resId, fieldName, choice) => {
            expect.step(["place", resModel, resId, fieldName, choice]);
            if (!choice) {
                return { choices };
            }
            server.call = { id: 8, state: "ringing_agent" };
            return { call_id: 8, state: "ringing_agent", message: "" };
        });
        await start();
        await click(CALL_AGAIN);
        await contains(".o_airtel_ccp_picker input", { count: 2 });
        expect(".o_airtel_ccp_picker input:checked").toHaveAttribute("value", "a");
        await click(".modal .btn-secondary", { text: "Cancel" });
        await contains(".modal", { count: 0 });
        expect.verifySteps([["place", "customer", 1, null, null]]);
        await click(CALL_AGAIN);
        await click(".o_airtel_ccp_picker input[value=b]");
        await click(".modal .btn-primary", { text: "Call" });
        await contains(`${PANEL}[data-state=ringing_agent]`);
        expect.verifySteps([
            ["place", "customer", 1, null, null],
            ["place", "customer", 1, null, "b"],
        ]);
    });

    test("the company is asked first, then the number, and the answers travel together", async () => {
        const server = onState({ call: { state: "ended", result: "connected" } });
        const choices = [
            { key: "a", owner: "Priya Sharma", label: "Phone", phone: "70000 00101" },
            { key: "b", owner: "Sharma Textiles", label: "Phone", phone: "70000 00102" },
        ];
        const companies = [
            { id: 1, name: "First" },
            { id: 2, name: "Second" },
        ];
        onPlace((resModel, resId, fieldName, choice, listItemId, options) => {
            expect.step([choice, options]);
            if (!options) {
                return { companies };
            }
            if (!choice) {
                return { choices, record: { default: true, announced: false } };
            }
            server.call = { id: 8, state: "ringing_agent", recorded: false };
            return { call_id: 8, state: "ringing_agent", message: "" };
        });
        await start();
        await click(CALL_AGAIN);
        await contains(".o_airtel_ccp_companies button", { count: 2 });
        expect(".o_airtel_ccp_companies button:first").toBeFocused();
        await click(".modal .btn-close");
        await contains(".modal", { count: 0 });
        expect.verifySteps([[null, undefined]]);
        await click(CALL_AGAIN);
        await click("button[data-company='2']");
        await contains(".o_airtel_ccp_picker input[type=radio]", { count: 2 });
        expect("#o_airtel_ccp_record").toBeChecked();
        await click("#o_airtel_ccp_record");
        await click(".modal .btn-primary", { text: "Call" });
        await contains(`${PANEL}[data-state=ringing_agent]`);
        expect(".o_airtel_ccp_recorded").toHaveCount(0);
        expect.verifySteps([
            [null, undefined],
            [null, { company_id: 2 }],
            ["a", { company_id: 2, record: false }],
        ]);
    });

    test("record this call? Closing the question calls nobody", async () => {
        const server = onState({ call: { state: "ended", result: "connected" } });
        onPlace((resModel, resId, fieldName, choice, listItemId, options) => {
            expect.step(options ?? "asks");
            if (!options) {
                return { record: { default: false, announced: true } };
            }
            server.call = { id: 8, state: "ringing_agent", recorded: true, announced: true };
            return { call_id: 8, state: "ringing_agent", message: "" };
        });
        await start();
        await click(CALL_AGAIN);
        await waitFor(".o_airtel_ccp_recording_question:contains(Airtel announces)");
        expect(".modal .btn-primary").toHaveText("Call without recording");
        expect(".modal .btn-primary").toBeFocused();
        await click(".modal .btn-close");
        await contains(".modal", { count: 0 });
        await click(CALL_AGAIN);
        await click("button[data-record=yes]");
        await contains(`${PANEL}[data-state=ringing_agent]`);
        expect(".o_airtel_ccp_recorded").toHaveText("Recorded, and Airtel announces it.");
        expect(rememberedRecording()).toBe(undefined);
        expect.verifySteps(["asks", "asks", { record: true }]);
    });

    test("the answer is remembered in this tab, until the user menu forgets it", async () => {
        const server = onState({ call: { state: "ended", result: "connected" } });
        onPlace((resModel, resId, fieldName, choice, listItemId, options) => {
            expect.step(options ?? "asks");
            if (!options) {
                return { record: { default: true, announced: false } };
            }
            server.call = { id: 8, state: "ended", result: "connected" };
            return { call_id: 8, state: "ringing_agent", message: "" };
        });
        await start();
        const item = registry.category("user_menuitems").get("airtel_ccp.recording")();
        expect(item.show()).toBe(false);
        await click(CALL_AGAIN);
        await click("#o_airtel_ccp_recording_remember");
        await click("button[data-record=no]");
        await contains(".modal", { count: 0 });
        await click(CALL_AGAIN);
        await animationFrame();
        expect.verifySteps(["asks", { record: false }, { record: false }]);
        expect(item.show()).toBe(true);
        item.callback();
        expect(rememberedRecording()).toBe(undefined);
    });

    test("late reports are said, until they are in time again", async () => {
        const server = onState({ call: { state: "ringing_agent", live: true } });
        server.reports_late = true;
        await start();
        await waitFor(".o_airtel_ccp_reports_late:contains(may be out of date)");
        const company_id = user.activeCompany.id;
        tellHealth({ company_id: company_id + 1, reports_late: false });
        tellHealth({ company_id, reports_late: true });
        await animationFrame();
        expect(".o_airtel_ccp_reports_late").toHaveCount(1);
        tellHealth({ company_id, reports_late: false });
        await waitForNone(".o_airtel_ccp_reports_late");
    });

    test("a house rule is overridden with a reason, or not at all", async () => {
        const server = onState({ call: { state: "ended", result: "connected" } });
        onPlace((resModel, resId, fieldName, choice, listItemId, options) => {
            expect.step(options ?? "asks");
            if (!options) {
                return { override: { sentence: "It is outside the calling hours." } };
            }
            server.call = { id: 8, state: "ended", result: "connected" };
            return { call_id: 8, state: "ringing_agent", message: "" };
        });
        await start();
        await click(CALL_AGAIN);
        await waitFor(".o_airtel_ccp_rule:contains(outside the calling hours)");
        expect(".o_airtel_ccp_override").not.toBeEnabled();
        await click(".modal-footer .btn-secondary");
        await contains(".modal", { count: 0 });
        await click(CALL_AGAIN);
        await click("#o_airtel_ccp_override_reason");
        await edit("  The customer asked for it ");
        await click(".o_airtel_ccp_override");
        await contains(".modal", { count: 0 });
        expect.verifySteps(["asks", "asks", { override_reason: "The customer asked for it" }]);
    });

    test("the call list: next, skip, try again later; nothing dials by itself", async () => {
        const server = onState({ list: { waiting: 3, next: NEXT } });
        onPlace((...args) => {
            expect.step(["place", ...args]);
            server.call = { id: 9, state: "ringing_agent", customer: "Arjun Patel" };
            return { call_id: 9, state: "ringing_agent", message: "" };
        });
        onStep("ccp.call.list.item", "action_skip", () => {
            server.list = { waiting: 1, next: { ...NEXT, id: 33, name: "Neha" } };
            return true;
        });
        onStep("ccp.call.list.item", "action_again", () => {
            server.list = { waiting: 1, next: false };
            return true;
        });
        await start();
        await waitFor(".o_airtel_ccp_next:contains(Arjun Patel)");
        await click(".o_airtel_ccp_call_next:not(.disabled)");
        await contains(`${PANEL}[data-state=ringing_agent]`);
        expect(".o_airtel_ccp_call_next").toHaveAttribute("aria-disabled", "true");
        expect.verifySteps([["place", "customer", 2, null, null, 31]]);
        server.call = { id: 9, state: "ended", result: "customer_busy" };
        server.list = { waiting: 3, next: { ...NEXT, attempts: 1 } };
        await tell({ id: 9, state: "ended", result: "customer_busy" });
        await waitFor(".o_airtel_ccp_next:contains(attempt 2)");
        await click(".o_airtel_ccp_skip");
        await waitFor(".o_airtel_ccp_next:contains(Neha)");
        await click(".o_airtel_ccp_later");
        await waitFor(".o_airtel_ccp_list:contains(Nobody is due now)");
        expect.verifySteps([
            ["action_skip", [31]],
            ["action_again", [33]],
        ]);
    });

    test("the command palette finds whom to call", async () => {
        onState();
        onStep("ccp.panel", "find", () => [
            { res_model: "customer", res_id: 1, name: "Priya Sharma", phone: "70xx…01" },
        ]);
        onPlace((...args) => {
            expect.step(["place", ...args]);
            return { call_id: 7, state: "ringing_agent", message: "" };
        });
        await start();
        const { env } = callService();
        expect(await provideCalls(env, { searchValue: "priya" })).toEqual([]);
        const commands = provideCalls(env, { searchValue: "Call priya" });
        await advanceTime(FIND_DELAY);
        const [command] = await commands;
        expect(command.name).toBe("Call Priya Sharma, 70xx…01");
        await command.action();
        await animationFrame();
        expect.verifySteps([
            ["find", "priya"],
            ["place", "customer", 1, null, null, null],
        ]);
    });
});

describe("the bus is lost", () => {
    beforeEach(allowCalls);

    /** Lets only the test say how the bus is; returns what says it. */
    function takeBus() {
        const calls = callService();
        const onBusState = calls.onBusState.bind(calls);
        patchWithCleanup(calls, { onBusState() {} });
        onBusState(WORKER_STATE.CONNECTED);
        return onBusState;
    }

    test("the panel says so and asks every few seconds, while a call is live only", async () => {
        const server = onState({ call: { state: "ringing_agent" } });
        await start();
        await contains(PANEL);
        const onBusState = takeBus();
        onRpc("ccp.panel", "state", () => {
            expect.step("state");
        });
        await advanceTime(POLL_DELAY * 1.5);
        expect.verifySteps([]);
        onBusState(WORKER_STATE.DISCONNECTED);
        await waitFor(".o_airtel_ccp_bus_lost:contains(checking every few seconds)");
        await advanceTime(POLL_DELAY);
        expect.verifySteps(["state"]);
        server.call = { state: "in_call", message: "Connected with Priya" };
        await advanceTime(POLL_DELAY);
        await waitFor(".o_airtel_ccp_message:contains(Connected with Priya)");
        expect.verifySteps(["state"]);
        server.call = { state: "ended", result: "connected", message: "Over" };
        await advanceTime(POLL_DELAY);
        await waitFor(".o_airtel_ccp_message:contains(Over)");
        expect.verifySteps(["state"]);
        await advanceTime(POLL_DELAY * 1.5);
        await waitFor(".o_airtel_ccp_bus_lost");
        expect.verifySteps([]);
    });

    test("a message that nobody heard is made up for, while a call is live only", async () => {
        const server = onState({ call: { state: "ringing_agent" } });
        await start();
        await contains(PANEL);
        takeBus();
        onRpc("ccp.panel", "state", () => {
            expect.step("state");
        });
        server.call = { state: "ended", result: "connected", message: "Over" };
        await advanceTime(CHECK_DELAY);
        await waitFor(".o_airtel_ccp_message:contains(Over)");
        await contains(".o_airtel_ccp_bus_lost", { count: 0 });
        expect.verifySteps(["state"]);
        await advanceTime(CHECK_DELAY * 2);
        expect.verifySteps([]);
    });

    test("once the bus is back the panel asks once, then seldom", async () => {
        onState({ call: { state: "in_call" } });
        await start();
        await contains(PANEL);
        const onBusState = takeBus();
        onBusState(WORKER_STATE.DISCONNECTED);
        await animationFrame();
        onRpc("ccp.panel", "state", () => {
            expect.step("state");
        });
        onBusState(WORKER_STATE.CONNECTED);
        await contains(".o_airtel_ccp_bus_lost", { count: 0 });
        await advanceTime(POLL_DELAY * 1.5);
        expect.verifySteps(["state"]);
    });

    test("a bus that never comes is noticed", async () => {
        onState({ call: { state: "in_call" } });
        await start();
        await contains(PANEL);
        getService("bus_service").trigger("BUS:WORKER_STATE_UPDATED", WORKER_STATE.CONNECTING);
        await advanceTime(BUS_PATIENCE);
        await contains(".o_airtel_ccp_bus_lost");
    });

    test("a server that restarts is asked again", async () => {
        const server = onState({ call: { state: "ringing_agent" } });
        await start();
        await contains(PANEL);
        const outage = new Deferred();
        let isDown = true;
        onRpc("ccp.panel", "state", () => {
            if (isDown) {
                outage.resolve();
                return new Response("not JSON", { status: 502 });
            }
        });
        const bus = getService("bus_service");
        bus.trigger("BUS:WORKER_STATE_UPDATED", WORKER_STATE.CONNECTED);
        bus.trigger("BUS:WORKER_STATE_UPDATED", WORKER_STATE.DISCONNECTED);
        await advanceTime(POLL_DELAY);
        await outage;
        isDown = false;
        server.call = { state: "in_call", message: "Connected with Priya" };
        await advanceTime(POLL_DELAY);
        await waitFor(".o_airtel_ccp_message:contains(Connected with Priya)");
    });
});

test("a phone remembers how its user wants to call", async () => {
    allowCalls();
    await start();
    const { env } = callService();
    const choice = chooseDial(env);
    await click(".o_airtel_ccp_dial_device");
    expect(await choice).toBe("device");
    expect(browser.localStorage.getItem(DIAL_CHOICE_KEY)).toBe("device");
    expect(await chooseDial(env)).toBe("device");
});
