import { click, contains, start } from "@mail/../tests/mail_test_helpers";
import { beforeEach, describe, expect, test } from "@odoo/hoot";
import { queryFirst } from "@odoo/hoot-dom";
import { advanceTime, animationFrame, mockDate } from "@odoo/hoot-mock";
import {
    makeServerError,
    onRpc,
    patchWithCleanup,
    serverState,
} from "@web/../tests/web_test_helpers";

import { browser } from "@web/core/browser/browser";
import { RINGS_FOR, RING_PAUSE, Ring, TITLE_PAUSE } from "@airtel_ccp/incoming/ring_service";
import { RingTone, RingTurn, VOLUME_KEY, ringVolume } from "@airtel_ccp/incoming/ring_tone";
import {
    CALLER,
    allowCalls,
    callService,
    defineCallModels,
    incomingValues,
    onState,
    tellIncoming,
    tellUser,
    waitFor,
    waitForNone,
    waitUntil,
} from "./call_test_helpers";

describe.current.tags("desktop");
defineCallModels();
beforeEach(allowCalls);

const CARD = ".o_airtel_ccp_incoming_card";
const TOGGLE = ".o_airtel_ccp_incoming_toggle";

/**
 * Notes rings in place of sounding them.
 *
 * @returns {number[]} the volume of each
 */
function listen({ isOwnTurn = true, isLookedAt = true } = {}) {
    const rings = [];
    patchWithCleanup(RingTone.prototype, {
        get canSound() {
            return true;
        },
        ring(volume) {
            rings.push(volume);
        },
        stop() {},
    });
    patchWithCleanup(RingTurn.prototype, { take: async () => isOwnTurn, end() {} });
    patchWithCleanup(Ring.prototype, {
        get isLookedAt() {
            return isLookedAt;
        },
    });
    return rings;
}

async function startWith(server = {}) {
    const told = onState({ takes_calls: true, incoming: [], ...server });
    await start();
    await waitUntil(() => callService().incoming.state.takesCalls);
    return told;
}

async function ring(server, values) {
    const panel = incomingValues(values);
    server.incoming = [{ ...panel, ...CALLER }];
    tellIncoming(panel);
    await waitFor(`${CARD}:contains("${panel.message}")`);
    await animationFrame();
}

/** How often it rings in some time, in milliseconds. */
async function count(rings, time) {
    const before = rings.length;
    for (let passed = 0; passed < time; passed += RING_PAUSE) {
        await advanceTime(RING_PAUSE);
    }
    return rings.length - before;
}

describe("sound", () => {
    test("it rings while the call rings at the user, and not after", async () => {
        const rings = listen();
        const server = await startWith();
        await ring(server);
        await waitUntil(() => rings.length);
        expect(await count(rings, RING_PAUSE * 3)).toBeGreaterThan(1);
        await ring(server, { state: "in_call", own: "missed", message: "Ravi took the call" });
        expect(await count(rings, RING_PAUSE * 3)).toBe(0);
        expect(rings[0]).toBe(50);
    });

    test("it does not ring for ever", async () => {
        const rings = listen();
        await ring(await startWith());
        await waitUntil(() => rings.length);
        expect(await count(rings, RINGS_FOR)).toBeGreaterThan(5);
        expect(await count(rings, RINGS_FOR)).toBe(0);
        expect(CARD).toHaveCount(1);
    });

    test("what rings at somebody else makes no sound here", async () => {
        const rings = listen();
        await ring(await startWith(), {
            ringing: [{ user_id: 99, name: "Ravi", state: "rings" }],
            message: "Ringing Ravi",
        });
        expect(await count(rings, RING_PAUSE)).toBe(0);
    });

    test("with a decision alone the first one rings, or all that are rung at once", async () => {
        const rings = listen();
        const server = await startWith();
        const ringing = [
            { user_id: 99, name: "Ravi", state: "waits" },
            { user_id: serverState.userId, name: "Mitchell", state: "waits" },
        ];
        await ring(server, { ringing, message: "About to ring Ravi" });
        expect(await count(rings, RING_PAUSE)).toBe(0);
        await ring(server, {
            ringing,
            at_once: true,
            message: "About to ring Ravi and you",
        });
        await waitUntil(() => rings.length);
    });

    test("another tab of the browser rings", async () => {
        const rings = listen({ isOwnTurn: false });
        await ring(await startWith());
        await count(rings, RING_PAUSE);
        expect(rings).toEqual([]);
    });

    test("put away, it is silent", async () => {
        const rings = listen();
        await ring(await startWith());
        await waitUntil(() => rings.length);
        callService().incoming.hide(callService().incoming.list[0]);
        await animationFrame();
        expect(await count(rings, RING_PAUSE * 2)).toBe(0);
    });

    test("the volume is the browser's own; 0 is silence", async () => {
        const rings = listen();
        browser.localStorage.setItem(VOLUME_KEY, "0");
        await ring(await startWith());
        await count(rings, RING_PAUSE);
        expect(rings).toEqual([]);
        for (const [stored, volume] of [
            ["80", 80],
            ["900", 100],
            ["-1", 0],
            ["loud", 50],
        ]) {
            browser.localStorage.setItem(VOLUME_KEY, stored);
            expect(ringVolume()).toBe(volume);
        }
    });
});

describe("a tab in the background", () => {
    test("its title says who calls, in turn with its own", async () => {
        listen({ isLookedAt: false });
        const server = await startWith();
        await ring(server);
        await waitFor(`${CARD}:contains(Priya Sharma)`);
        const titles = [];
        for (let round = 0; round < 4; round++) {
            await advanceTime(TITLE_PAUSE);
            titles.push(document.title);
        }
        expect(titles.some((each) => each.includes("Call from Priya Sharma"))).toBe(true);
        expect(titles.some((each) => !each.includes("Priya"))).toBe(true);
        await ring(server, { state: "in_call", own: "missed", message: "Ravi took the call" });
        await advanceTime(TITLE_PAUSE * 2);
        expect(document.title).not.toMatch(/Priya/);
    });

    /** Notes the browser's notices. */
    function watchNotices(permission) {
        const notices = [];
        patchWithCleanup(browser, {
            Notification: class extends EventTarget {
                static permission = permission;
                constructor(title, options) {
                    super();
                    Object.assign(this, { title, options });
                    notices.push(this);
                }
                close() {
                    this.isClosed = true;
                }
            },
        });
        return notices;
    }

    test("the browser shows a notice, and closes it", async () => {
        listen({ isLookedAt: false, isOwnTurn: false });
        const notices = watchNotices("granted");
        const server = await startWith();
        const ringService = callService().env.services["airtel_ccp.ring"];
        patchWithCleanup(ringService.multiTab, { isOnMainTab: async () => true });
        await ring(server);
        await waitUntil(() => notices.at(-1)?.title === "Call from Priya Sharma");
        await waitUntil(() => notices.at(-1).options.body.includes("Autumn"));
        expect(notices.at(-1).options.body).toBe(
            "Your phone is ringing\nYou own Autumn collection"
        );
        await ring(server, { state: "in_call", own: "missed", message: "Ravi took the call" });
        await waitUntil(() => notices.every(({ isClosed }) => isClosed));
    });

    test("no notice without permission, and none that asks for it", async () => {
        listen({ isLookedAt: false, isOwnTurn: false });
        const notices = watchNotices("default");
        await ring(await startWith());
        expect(notices).toHaveLength(0);
    });
});

describe("the top bar", () => {
    test("nothing where nobody can call", async () => {
        onState();
        await start();
        await animationFrame();
        expect(TOGGLE).toHaveCount(0);
    });

    test("how many call-backs wait; none is no badge", async () => {
        const server = await startWith({ callbacks: 3 });
        await contains(".o_airtel_ccp_callbacks", { text: "3" });
        expect(TOGGLE).toHaveAttribute("aria-label", "Incoming calls. Call-backs: 3");
        server.callbacks = 0;
        tellUser("airtel_ccp.callbacks", {});
        await waitForNone(".o_airtel_ccp_callbacks");
    });

    test("away for a while, and back", async () => {
        mockDate("2026-11-23 10:00:00");
        const server = await startWith();
        onRpc("ccp.panel", "set_away", ({ args: [when] }) => {
            expect.step(when);
            server.away_until = when ? Date.now() + when * 60000 : false;
            return server.away_until;
        });
        await click(TOGGLE);
        await click(".o_airtel_ccp_away_for", { text: "30 minutes" });
        await waitFor(".o_airtel_ccp_away");
        await click(TOGGLE);
        await click(".o_airtel_ccp_back");
        await waitForNone(".o_airtel_ccp_away");
        expect.verifySteps([30, 0]);
        await click(TOGGLE);
        await click(".o_airtel_ccp_away_for", { text: "15 minutes" });
        await waitFor(".o_airtel_ccp_away");
        server.away_until = false;
        await advanceTime(15 * 60000 + 1000);
        await waitForNone(".o_airtel_ccp_away");
        expect.verifySteps([15]);
    });

    test("away until a time, in all tabs; a refusal says why", async () => {
        await startWith();
        onRpc("ccp.panel", "set_away", ({ args: [when] }) => {
            expect.step(when > 0 && when <= 24 * 60);
            throw makeServerError({ type: "UserError", description: "Too far away." });
        });
        await click(TOGGLE);
        await waitFor("#o_airtel_ccp_away_time");
        const time = queryFirst("#o_airtel_ccp_away_time");
        time.value = "13:30";
        time.dispatchEvent(new Event("input"));
        await click(".o_airtel_ccp_away_until");
        await waitFor(".o_airtel_ccp_away_problem:contains(Too far away.)");
        expect.verifySteps([true]);
        tellUser("airtel_ccp.away", { away_until: Date.now() + 600000 });
        await waitFor(".o_airtel_ccp_away");
    });

    test("the ring can be tried, and its volume stays", async () => {
        const rings = listen();
        await startWith();
        await click(TOGGLE);
        await waitFor("#o_airtel_ccp_volume");
        const slider = queryFirst("#o_airtel_ccp_volume");
        slider.value = "80";
        slider.dispatchEvent(new Event("input"));
        await click(".o_airtel_ccp_try_tone");
        expect(rings).toEqual([80]);
        expect(browser.localStorage.getItem(VOLUME_KEY)).toBe("80");
    });
});
