import { describe, expect, test } from "@odoo/hoot";
import { queryAllTexts, waitFor } from "@odoo/hoot-dom";
import { advanceTime } from "@odoo/hoot-mock";
import { makeServerError, mountWithCleanup, onRpc } from "@web/../tests/web_test_helpers";

import { LiveView, PAUSE, POLL } from "@airtel_ccp/live/live_view";
import { defineCallModels } from "./call_test_helpers";

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
    live: true,
    since: 0,
};

function onLive(server) {
    onRpc("ccp.live", "state", () => {
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
    expect(".o_airtel_ccp_clock").toHaveText(/^01:0[56]$/);
    expect.verifySteps(["state"]);
});

test("asks again and again while it cannot be loaded", async () => {
    let fails = true;
    onRpc("ccp.live", "state", () => {
        if (fails) {
            throw makeServerError();
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
