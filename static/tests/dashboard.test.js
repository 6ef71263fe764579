import { describe, expect, test } from "@odoo/hoot";
import { click, queryAllTexts } from "@odoo/hoot-dom";
import {
    mockService,
    mountWithCleanup,
    onRpc,
    makeServerError,
} from "@web/../tests/web_test_helpers";

import { CallDashboard } from "@airtel_ccp/dashboard/dashboard";
import { defineCallModels, waitFor } from "./call_test_helpers";

describe.current.tags("desktop");
defineCallModels();

const figure = (kind, value, domain) => ({ kind, value, domain });
const PROPS = { action: {}, actionId: 1, className: "" };

function answer(values = {}) {
    return {
        empty: false,
        enough: 5,
        tiles: [
            {
                key: "attempts",
                label: "Attempts",
                today: figure("number", 3, [["id", "in", [1, 2, 3]]]),
                month: figure("number", 1234, []),
            },
            {
                key: "connect_rate",
                label: "Connect rate",
                today: figure("percent", null, []),
                month: figure("percent", 33.333, []),
            },
        ],
        reps: [{ id: 2, name: "Asha Rep", figures: [figure("seconds", 125, [])] }],
        trend: [
            {
                day: "2026-03-09",
                attempts: figure("number", 3, []),
                reached: figure("number", 1, []),
            },
        ],
        hours: [
            { weekday: 1, hour: 9, count: 2, ...figure("percent", 50, []) },
            { weekday: 2, hour: 11, count: 8, ...figure("percent", 75, []) },
        ],
        ...values,
    };
}

test("figures in the user's formats, each opens its calls", async () => {
    mockService("action", { doAction: ({ domain }) => expect.step(domain) });
    onRpc("ccp.dashboard", "figures", () => answer());
    await mountWithCleanup(CallDashboard, { props: PROPS });
    await waitFor("[data-tile=attempts]");
    expect(queryAllTexts("[data-tile] bdi")).toEqual(["3", "1,234", "–", "33.3%"]);
    expect(queryAllTexts(".o_airtel_ccp_reps tbody bdi")).toEqual(["02:05"]);
    expect(queryAllTexts(".o_airtel_ccp_hours thead th")).toEqual(["", "9 AM", "10 AM", "11 AM"]);
    expect(".o_airtel_ccp_hours button.opacity-50").toHaveCount(1);
    await click("[data-tile=attempts] .o_today");
    expect.verifySteps([[["id", "in", [1, 2, 3]]]]);
});

test("says when there are no calls", async () => {
    onRpc("ccp.dashboard", "figures", () => answer({ empty: true }));
    await mountWithCleanup(CallDashboard, { props: PROPS });
    await waitFor(".o_airtel_ccp_dashboard_empty");
    expect("[data-tile]").toHaveCount(0);
});

test("says when figures cannot be loaded, and loads them on refresh", async () => {
    let fails = true;
    onRpc("ccp.dashboard", "figures", () => {
        if (fails) {
            throw makeServerError({ type: "AccessError", message: "Not yours." });
        }
        return answer();
    });
    await mountWithCleanup(CallDashboard, { props: PROPS });
    await waitFor(".alert-danger");
    fails = false;
    await click("button:contains(Refresh)");
    await waitFor("[data-tile=attempts]");
    expect(".alert-danger").toHaveCount(0);
});
