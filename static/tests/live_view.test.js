import { describe, expect, test } from "@odoo/hoot";
import { queryAllTexts } from "@odoo/hoot-dom";
import { advanceTime } from "@odoo/hoot-mock";
import {
    getService,
    makeServerError,
    mountWithCleanup,
    onRpc,
} from "@web/../tests/web_test_helpers";

import { LiveView, PAUSE, POLL } from "@airtel_ccp/live/live_view";
import { defineCallModels, logIn, tellLive, waitFor, waitUntil } from "./call_test_helpers";

describe.current.tags("desktop");
defineCallModels();

const PROPS = { action: {}, actionId: 1, className: "" };
const CALL = {
    id: 7,
    agent_id: 2,
    agent: "Asha Rep",
    customer: "Priya Sharma",
    phone: "70xxxxx101",
    state: "in_call",
    label: "In call",
    tone: "success",
    since: 0,
};

function onLive(server) {
    onRpc("ccp.dashboard", "live", () => {
        expect.step("state");
        return { now: 65000, calls: server.calls };
    });
}

test("shows who is calling whom, by the server's clock", async () => {
    onLive({ calls: [CALL] });
    await mountWithCleanup(LiveView, { props: PROPS });
    await waitFor(".o_airtel_ccp_live_call");
    expect(".o_airtel_ccp_live_call .badge.text-bg-success").toHaveText("In call");
    expect(queryAllTexts(".o_airtel_ccp_live_call bdi[dir=ltr]")[0]).toBe("70xxxxx101");
    expect(".o_airtel_ccp_clock").toHaveText(/^01:(0[5-9]|1\d)$/);
    expect.verifySteps(["state"]);
});

test("an avatar is a square however much is said beside it", async () => {
    onLive({ calls: [CALL] });
    await mountWithCleanup(LiveView, { props: PROPS });
    await waitFor(".o_airtel_ccp_live_call");
    expect(".o_airtel_ccp_live_call img").toHaveRect({ width: 40, height: 40 });
    expect.verifySteps(["state"]);
});

test("many changes make one request", async () => {
    let asked = 0;
    let calls = [];
    onRpc("ccp.dashboard", "live", () => {
        asked++;
        return { now: 65000, calls };
    });
    await logIn();
    await mountWithCleanup(LiveView, { props: PROPS });
    await waitFor(".o_airtel_ccp_live_empty");
    await getService("bus_service").start();
    // The bus that has come may ask once more
    await advanceTime(PAUSE * 2);
    const askedBefore = asked;
    calls = [CALL];
    for (let change = 0; change < 3; change++) {
        tellLive();
    }
    await waitUntil(() => asked > askedBefore, { timeout: PAUSE * 3 });
    await advanceTime(PAUSE * 2);
    await waitFor(".o_airtel_ccp_live_call");
    expect(asked).toBe(askedBefore + 1);
});

test("asks again and again while it cannot be loaded", async () => {
    let fails = true;
    onRpc("ccp.dashboard", "live", () => {
        if (fails) {
            throw makeServerError({ type: "AccessError", message: "Not yours." });
        }
        return { now: 0, calls: [] };
    });
    await mountWithCleanup(LiveView, { props: PROPS });
    await waitFor(".alert-danger");
    fails = false;
    await advanceTime(POLL);
    await waitFor(".o_airtel_ccp_live_empty");
    expect(".alert-danger").toHaveCount(0);
});
