import { click, contains, start } from "@mail/../tests/mail_test_helpers";
import { beforeEach, describe, expect, test } from "@odoo/hoot";
import { press, queryFirst, queryRect } from "@odoo/hoot-dom";
import { advanceTime, animationFrame } from "@odoo/hoot-mock";
import { getService, makeServerError, onRpc } from "@web/../tests/web_test_helpers";

import { browser } from "@web/core/browser/browser";
import { utils } from "@web/core/ui/ui_service";
import { MINIMISED_KEY } from "@airtel_ccp/call_service";
import { LIST_CHANGED, LIST_DELAY } from "@airtel_ccp/panel/call_list";
import { INERT_TIME } from "@airtel_ccp/panel/dial_button";
import { REFRESH_TIME } from "@airtel_ccp/panel/follow_up";
import {
    OUTCOMES,
    allowCalls,
    callService,
    defineCallModels,
    onPlace,
    onState,
    tellCall,
    tellList,
    waitFor,
    waitForNone,
    waitUntil,
} from "./call_test_helpers";

describe.current.tags("desktop");
defineCallModels();
beforeEach(allowCalls);

const PANEL = ".o_airtel_ccp_panel";
const CALL_AGAIN = ".o_airtel_ccp_call_again";
const NEXT = {
    id: 31,
    name: "Arjun Patel",
    record_name: "Spare parts",
    phone: "70xx…04",
    attempts: 0,
    res_model: "customer",
    res_id: 2,
};
const ENDED = { state: "ended", result: "connected" };

/** Answers and steps requests. */
function onStep(model, method, answer) {
    onRpc(model, method, ({ args }) => {
        expect.step([method, ...args]);
        return answer(...args);
    });
}

/** A refusal as the server sends it, with what lifts it. */
function refusal(message, remedy) {
    return makeServerError({
        type: "UserError",
        description: message,
        context: { airtel_ccp_remedy: remedy },
    });
}

describe("a refusal opens what lifts it", () => {
    test("a call without outcome is shown with its outcomes, also after it was put away", async () => {
        const server = onState({ call: { ...ENDED, id: 8, customer: "Neha" } });
        const older = { ...ENDED, id: 5, customer: "Arjun Patel", outcome_id: false };
        onPlace(() => {
            throw refusal("Your call with Arjun has no outcome yet.", {
                opens: "outcome",
                call_id: 5,
            });
        });
        onStep("ccp.panel", "open_call", () => true);
        onRpc("ccp.panel", "state", ({ args }) => {
            server.call = args[0] === 5 ? older : server.call;
        });
        await start();
        await click(`${CALL_AGAIN}:not(.disabled)`);
        await waitFor(".o_airtel_ccp_customer:contains(Arjun Patel)");
        await waitUntil(() => document.activeElement.matches(".o_airtel_ccp_outcome"));
        expect.verifySteps([["open_call", 5]]);
        expect(".o_notification").toHaveText("Your call with Arjun has no outcome yet.");
        onRpc("ccp.panel", "save_outcome", () => ({ outcome_id: 1, warning: "" }));
        await click(".o_airtel_ccp_outcome", { text: "Interested" });
        await waitForNone(".o_notification");
    });

    test("the own phone and a number to correct are one click away", async () => {
        onState({ call: ENDED });
        let remedy = { opens: "preferences" };
        onPlace(() => {
            throw refusal("Refused.", remedy);
        });
        await start();
        await click(`${CALL_AGAIN}:not(.disabled)`);
        await waitFor(".o_notification button:contains(Open My Preferences)");
        remedy = { opens: "record", res_model: "customer", res_id: 1 };
        await click(`${CALL_AGAIN}:not(.disabled)`);
        await click(".o_notification button", { text: "Open the record" });
        await contains(".o_form_view");
    });

    test("a live call of another tab is shown", async () => {
        const server = onState({ call: ENDED });
        onPlace(() => {
            server.call = { id: 9, state: "in_call", message: "Connected with Neha" };
            throw refusal("You are still in a call with Neha.", { opens: "panel" });
        });
        await start();
        await click(`${CALL_AGAIN}:not(.disabled)`);
        await waitFor(`${PANEL}[data-state=in_call]`);
    });
});

describe("buttons keep their place and meaning", () => {
    test("what dials does nothing for a second after it appears, by mouse and by key", async () => {
        const server = onState({ call: { state: "in_call" }, list: { waiting: 1, next: NEXT } });
        onPlace(() => {
            expect.step("place");
            return { call_id: 7, state: "ended", message: "" };
        });
        await start();
        await contains(PANEL);
        const over = queryRect(".o_airtel_ccp_over");
        await advanceTime(INERT_TIME);
        server.call = ENDED;
        tellCall({ ...ENDED });
        await waitFor(`${PANEL}[data-state=ended]`);
        for (const button of [CALL_AGAIN, ".o_airtel_ccp_call_next"]) {
            expect(button).toHaveAttribute("aria-disabled", "true");
            queryFirst(button).click();
            queryFirst(button).focus();
            await press("Enter");
            const { x, right, y, bottom } = queryRect(button);
            const apart =
                x >= over.right || right <= over.x || y >= over.bottom || bottom <= over.y;
            expect(apart).toBe(true);
        }
        expect.verifySteps([]);
        expect(queryRect(".o_airtel_ccp_over")).toEqual(over);
        await advanceTime(INERT_TIME);
        await click(`${CALL_AGAIN}:not(.disabled)`);
        await expect.waitForSteps(["place"]);
    });

    test("after Skip, Call is inert again: it means somebody else", async () => {
        const server = onState({ list: { waiting: 2, next: NEXT } });
        onPlace(() => {
            expect.step("place");
            return { call_id: 7, state: "ended", message: "" };
        });
        onRpc("ccp.call.list.item", "action_skip", () => {
            server.list = { waiting: 1, next: { ...NEXT, id: 32, name: "Neha" } };
            return true;
        });
        await start();
        await contains(".o_airtel_ccp_call_next:not(.disabled)");
        await click(".o_airtel_ccp_skip");
        await waitFor(".o_airtel_ccp_next:contains(Neha)");
        queryFirst(".o_airtel_ccp_call_next").click();
        await animationFrame();
        expect.verifySteps([]);
    });
});

describe("room of its own", () => {
    test("the page gets narrower while the panel is shown", async () => {
        onState({ call: ENDED });
        await start();
        await contains(PANEL);
        const page = () => queryRect(".o_action_manager").right;
        expect(document.body).toHaveClass("o_airtel_ccp_docked");
        if (browser.innerWidth >= 992) {
            expect(page()).toBe(queryRect(PANEL).x);
        }
        const size = utils.getSize();
        await click(".o_airtel_ccp_minimise");
        await waitForNone(PANEL);
        expect(document.body).not.toHaveClass("o_airtel_ccp_docked");
        expect(utils.getSize()).toBeGreaterThan(size - 1);
    });

    test("a panel that is folded stays so through the next call", async () => {
        browser.localStorage.setItem(MINIMISED_KEY, "true");
        const server = onState({ call: ENDED });
        onPlace(() => {
            server.call = { id: 8, state: "ringing_agent", message: "Calling you" };
            return { call_id: 8, state: "ringing_agent", message: "" };
        });
        await start();
        await contains(".o_airtel_ccp_systray");
        await callService().call("customer", 1);
        await waitFor(".o_airtel_ccp_systray:contains(Calling you)");
        expect(PANEL).toHaveCount(0);
    });

    test("a key leads to the panel and back", async () => {
        browser.localStorage.setItem(MINIMISED_KEY, "true");
        onState({ call: ENDED });
        await start();
        const systray = await waitFor(".o_airtel_ccp_systray");
        systray.focus();
        await press(["alt", "y"]);
        await waitUntil(() => document.activeElement.matches(PANEL));
        await press(["alt", "y"]);
        expect(".o_airtel_ccp_systray").toBeFocused();
        await press(["alt", "y"]);
        await waitUntil(() => document.activeElement.matches(PANEL));
        queryFirst(".o_airtel_ccp_minimise").focus();
        await press("Enter");
        await waitForNone(PANEL);
        expect(".o_airtel_ccp_systray").toBeFocused();
    });
});

describe("the call list", () => {
    test("follows what its page and other tabs do", async () => {
        const server = onState({});
        await start();
        await animationFrame();
        expect(PANEL).toHaveCount(0);
        getService("airtel_ccp.call").env.bus.addEventListener(LIST_CHANGED, () =>
            expect.step("changed")
        );
        server.list = { waiting: 1, next: NEXT };
        tellList();
        tellList();
        await advanceTime(LIST_DELAY);
        await waitFor(".o_airtel_ccp_next:contains(Arjun Patel)");
        expect(".o_airtel_ccp_next a").toHaveAttribute("title", "Spare parts");
        expect(".o_airtel_ccp_call_next").toHaveAttribute(
            "aria-label",
            "Call Arjun Patel, who is next on your call list"
        );
        expect.verifySteps(["changed"]);
    });
});

describe("follow-up", () => {
    test("is planned at what the button says, once, keeps the focus, and can be taken back", async () => {
        const server = onState({ call: { state: "in_call", note: "About the price" } });
        onStep("ccp.panel", "follow_up", () => {
            server.call.follow_up = { id: 3, text: "Planned for tomorrow: Call Priya" };
            return { sentence: "Planned.", outside: false };
        });
        onStep("ccp.panel", "take_back_follow_up", () => {
            server.call.follow_up = false;
            return true;
        });
        await start();
        await contains(".o_airtel_ccp_in_an_hour", { text: "Today at 15:30" });
        queryFirst(".o_airtel_ccp_tomorrow").focus();
        await click(".o_airtel_ccp_tomorrow");
        await waitFor(".o_airtel_ccp_planned:contains(Planned for tomorrow)");
        expect(".o_airtel_ccp_tomorrow").toBeFocused();
        await click(".o_airtel_ccp_take_back");
        await waitForNone(".o_airtel_ccp_planned");
        expect(".o_airtel_ccp_pick_time").toBeFocused();
        expect.verifySteps([
            ["follow_up", 7, "2030-01-02 04:30:00", "About the price"],
            ["take_back_follow_up", 7],
        ]);
    });

    test("a click while the panel reads the call anew counts", async () => {
        let isSlow = false;
        onState({ call: { state: "in_call", follow_up: { id: 3, text: "Planned" } } });
        onRpc("ccp.panel", "state", () => {
            if (isSlow) {
                return new Promise(() => {});
            }
        });
        onStep("ccp.panel", "take_back_follow_up", () => {
            isSlow = true;
            return true;
        });
        onStep("ccp.panel", "follow_up", () => ({ sentence: "Planned.", outside: false }));
        await start();
        await click(".o_airtel_ccp_take_back");
        await waitFor(".o_airtel_ccp_answer:contains(cancelled)");
        await click(".o_airtel_ccp_tomorrow");
        await waitFor(".o_airtel_ccp_answer:contains(Planned.)");
        expect.verifySteps([
            ["take_back_follow_up", 7],
            ["follow_up", 7, "2030-01-02 04:30:00", ""],
        ]);
    });

    test("at a time of one's own, which is warned about outside the hours", async () => {
        onState({ call: { state: "in_call" } });
        onStep("ccp.panel", "follow_up", () => ({ sentence: "Outside the hours.", outside: true }));
        await start();
        await click(".o_airtel_ccp_pick_time");
        await contains("#o_airtel_ccp_moment");
        const moment = luxon.DateTime.now().plus({ days: 1 }).startOf("hour").toUTC();
        await click(".o_airtel_ccp_plan");
        await waitFor(".o_airtel_ccp_answer.alert-warning:contains(Outside the hours.)");
        expect(".o_airtel_ccp_pick_time").toBeFocused();
        expect.verifySteps([["follow_up", 7, moment.toFormat("yyyy-MM-dd HH:mm:ss"), ""]]);
    });

    test("the proposed times are read again as time goes by", async () => {
        onState({ call: { state: "in_call" } });
        let label = "Today at 15:30";
        onRpc("ccp.panel", "follow_up_times", () => [{ key: "hour", when: "x", label }]);
        await start();
        await contains(".o_airtel_ccp_in_an_hour", { text: "Today at 15:30" });
        label = "Today at 15:35";
        await advanceTime(REFRESH_TIME);
        await contains(".o_airtel_ccp_in_an_hour", { text: "Today at 15:35" });
    });
});

describe("an outcome that blacklists", () => {
    test("asks first, and saves nothing when the user goes back", async () => {
        const outcomes = [{ ...OUTCOMES[0], blacklist: true }, ...OUTCOMES.slice(1)];
        onState({ call: ENDED, outcomes });
        onStep("ccp.panel", "save_outcome", (callId, outcomeId, confirmed) =>
            confirmed
                ? { outcome_id: outcomeId, warning: "", notice: "70xx…01 is blacklisted." }
                : { confirm: "Nobody will be able to call 70xx…01 again." }
        );
        await start();
        await click(".o_airtel_ccp_outcome", { text: "Interested" });
        await waitFor(".o_airtel_ccp_confirmation:contains(Nobody will be able to call)");
        await waitUntil(() => document.activeElement.matches(".o_airtel_ccp_confirm_no"));
        await click(".o_airtel_ccp_confirm_no");
        await waitForNone(".o_airtel_ccp_confirmation");
        expect(".o_airtel_ccp_outcome[aria-checked=true]").toHaveCount(0);
        expect(".o_airtel_ccp_outcome:first").toBeFocused();
        await click(".o_airtel_ccp_outcome", { text: "Interested" });
        await click(".o_airtel_ccp_confirm_yes");
        await waitFor(".o_airtel_ccp_outcome[aria-checked=true]:contains(Interested)");
        await waitFor(".o_airtel_ccp_answer.alert-success:contains(70xx…01 is blacklisted.)");
        expect.verifySteps([
            ["save_outcome", 7, 1],
            ["save_outcome", 7, 1],
            ["save_outcome", 7, 1, true],
        ]);
    });
});

test("what an outcome did, and what it could not do, is said together", async () => {
    onState({ call: ENDED });
    onRpc("ccp.panel", "save_outcome", () => ({
        outcome_id: 1,
        notice: "The former follow-up is cancelled.",
        warning: "No follow-up could be planned.",
    }));
    await start();
    const note = await waitFor(".o_airtel_ccp_note");
    // Higher than the panel: what is said below has to be scrolled to
    note.style.height = "2000px";
    await click(".o_airtel_ccp_outcome", { text: "Interested" });
    await waitFor(".o_airtel_ccp_answer.alert-warning");
    expect(".o_airtel_ccp_answer").toHaveText(
        "The former follow-up is cancelled. No follow-up could be planned."
    );
    const body = queryRect(".o_airtel_ccp_body");
    expect(queryRect(".o_airtel_ccp_answer").bottom).toBeLessThan(body.bottom + 1);
});

describe("how a call looks", () => {
    for (const tone of ["secondary", "danger"]) {
        test(`${tone} is what the server says`, async () => {
            onState({ call: { ...ENDED, result: "customer_busy", tone } });
            await start();
            await contains(`.o_airtel_ccp_icon.text-bg-${tone}`);
            await contains(`.o_airtel_ccp_dot.text-bg-${tone}`);
        });
    }
});

describe("the record of a call", () => {
    test("can be changed when the call is over", async () => {
        const server = onState({ call: { state: "in_call" } });
        onStep("ccp.call", "action_change_record", () => ({
            type: "ir.actions.act_window",
            res_model: "customer",
            res_id: 1,
            views: [[false, "form"]],
            target: "new",
        }));
        await start();
        await contains(PANEL);
        expect(".o_airtel_ccp_change_record").toHaveCount(0);
        server.call = ENDED;
        tellCall(ENDED);
        await click(".o_airtel_ccp_change_record");
        await contains(".modal .o_form_view");
        expect.verifySteps([["action_change_record", [7]]]);
    });

    test("stays when the server refuses, which the panel says", async () => {
        onState({ call: ENDED });
        onRpc("ccp.call", "action_change_record", () => {
            throw refusal("This call was erased on request.");
        });
        await start();
        await click(".o_airtel_ccp_change_record");
        await waitFor(".o_airtel_ccp_answer.alert-danger:contains(erased on request)");
    });
});
