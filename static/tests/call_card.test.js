import {
    click,
    contains,
    openFormView,
    start,
    startServer,
} from "@mail/../tests/mail_test_helpers";
import { describe, expect, test } from "@odoo/hoot";
import { queryAllTexts, queryOne } from "@odoo/hoot-dom";
import { animationFrame } from "@odoo/hoot-mock";
import { getService, onRpc, serverState } from "@web/../tests/web_test_helpers";

import { allowCalls, defineCallModels, tellCall, waitFor, waitUntil } from "./call_test_helpers";

describe.current.tags("desktop");
defineCallModels();

const STORY = "details.o_airtel_ccp_story";

function cardOf(line, story = "Story") {
    return `<div class="o_airtel_ccp_card"><details class="o_airtel_ccp_story">
        <summary>${line}</summary>${story}</details></div>`;
}

/** Opens a contact whose chatter has a card and a note, and answers questions about cards. */
async function openContact() {
    allowCalls();
    const pyEnv = await startServer();
    const partnerId = pyEnv["res.partner"].create({ name: "Priya" });
    const record = { model: "res.partner", res_id: partnerId };
    pyEnv["mail.message"].create({ body: "<p>Earlier</p>", ...record });
    const cardId = pyEnv["mail.message"].create({
        body: cardOf("No report yet"),
        message_type: "notification",
        ...record,
    });
    const bodies = {};
    onRpc("/mail/action", async (request) => {
        const { params } = await request.clone().json();
        const asked = params.fetch_params.find(([name]) => name === "airtel_ccp.cards");
        if (!asked) {
            return;
        }
        expect.step(`fetch ${asked[1].map((id) => (id === cardId ? "card" : id))}`);
        return {
            "mail.message": asked[1].map((id) => ({
                id,
                author_id: serverState.partnerId,
                body: ["markup", bodies[id]],
                date: "2026-01-05 10:00:00",
                message_type: "notification",
                thread: { model: "res.partner", id: partnerId },
                ...record,
            })),
        };
    });
    onRpc("/mail/thread/messages", () => expect.step("fetch messages"));
    await start();
    await openFormView("res.partner", partnerId);
    await contains(".o-mail-Message", { count: 2 });
    expect.verifySteps(["fetch messages"]);
    return { bodies, cardId, partnerId };
}

test("changes in place, and is fetched once for several reports", async () => {
    const { bodies, cardId, partnerId } = await openContact();
    const lead = { res_model: "customer", res_id: 1, partner_id: partnerId };
    bodies[cardId] = cardOf("Connected");
    // At once: on a busy machine the bus may bring them further apart than they are gathered for
    for (let report = 0; report < 3; report++) {
        getService("airtel_ccp.card").follow(lead, [cardId]);
    }
    await waitFor(".o_airtel_ccp_card:contains(Connected)");
    await contains(".o-mail-Message", { count: 2 });
    expect.verifySteps(["fetch card"]);
});

test("a new one appears, in its place among the others", async () => {
    const { bodies, partnerId } = await openContact();
    const lead = { res_model: "customer", res_id: 1, partner_id: partnerId };
    Object.assign(bodies, { 9000: cardOf("Before"), 9001: cardOf("Calling") });
    tellCall({ ...lead, card_ids: [9001, 9000] });
    await contains(".o-mail-Message", { count: 4 });
    expect(queryAllTexts(`${STORY} summary`)).toEqual(["Calling", "Before", "No report yet"]);
    expect.verifySteps(["fetch 9001,9000"]);
});

test("nothing is fetched for records that this browser does not show", async () => {
    await openContact();
    tellCall({ res_model: "customer", res_id: 1, partner_id: 999, card_ids: [9001] });
    // What would be fetched is gathered for a tenth of a second
    await new Promise((resolve) => setTimeout(resolve, 300));
    await animationFrame();
    expect.verifySteps([]);
});

test("its story opens in place, and stays open when it changes", async () => {
    const { bodies, cardId, partnerId } = await openContact();
    expect(queryOne(STORY).open).toBe(false);
    await click(`${STORY} summary`);
    await waitUntil(() => queryOne(STORY).open);
    bodies[cardId] = cardOf("Connected", "Priya picked up");
    tellCall({ res_model: "res.partner", res_id: partnerId, card_ids: [cardId] });
    await waitFor(`${STORY}:contains(Priya picked up)`);
    await waitUntil(() => queryOne(STORY).open);
    await click(`${STORY} summary`);
    await waitUntil(() => !queryOne(STORY).open);
    bodies[cardId] = cardOf("Connected", "Priya hung up");
    tellCall({ res_model: "res.partner", res_id: partnerId, card_ids: [cardId] });
    await waitFor(`${STORY}:contains(Connected)`);
    await waitUntil(() => queryOne(STORY).textContent.includes("Priya hung up"));
    expect(queryOne(STORY).open).toBe(false);
    expect.verifySteps(["fetch card", "fetch card"]);
});

test("an answer that does not come leaves the chatter as it is", async () => {
    const { cardId, partnerId } = await openContact();
    onRpc("/mail/action", () => {
        expect.step("failed");
        throw new Error("The server is away");
    });
    tellCall({ res_model: "res.partner", res_id: partnerId, card_ids: [cardId] });
    await expect.waitForSteps(["failed"]);
    await contains(".o_airtel_ccp_card", { text: "No report yet" });
    expect(".o_error_dialog").toHaveCount(0);
});
