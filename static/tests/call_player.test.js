import { beforeEach, describe, expect, test } from "@odoo/hoot";
import { press, queryAllTexts, queryOne, setInputRange } from "@odoo/hoot-dom";
import { advanceTime } from "@odoo/hoot-mock";
import { click, openFormView, start, startServer } from "@mail/../tests/mail_test_helpers";
import {
    contains,
    getService,
    mountView,
    mountWithCleanup,
    onRpc,
    patchWithCleanup,
} from "@web/../tests/web_test_helpers";

import { CallPlayer } from "@airtel_ccp/player/call_player";
import {
    MAX_POSITIONS,
    POSITIONS_KEY,
    SPEED_KEY,
    recallPosition,
    rememberPosition,
} from "@airtel_ccp/player/player_memory";
import { browser } from "@web/core/browser/browser";
import { session } from "@web/session";
import {
    defineCallModels,
    onState,
    tellCall,
    waitFor,
    waitForNone,
    waitUntil,
} from "./call_test_helpers";

describe.current.tags("desktop");
defineCallModels();

const PLAYER = ".o_airtel_ccp_player";
const BAR = ".o_airtel_ccp_player_bar";
const RATE = 3000;
const LENGTH = 30;
const ADDRESS = "/airtel_ccp/recording/7";

/** Makes a real WAV file of 30 silent seconds. */
function wav() {
    const count = RATE * LENGTH;
    const view = new DataView(new ArrayBuffer(44 + count));
    const write = (at, text) =>
        [...text].forEach((letter, i) => view.setUint8(at + i, letter.charCodeAt(0)));
    write(0, "RIFF");
    view.setUint32(4, 36 + count, true);
    write(8, "WAVEfmt ");
    view.setUint32(16, 16, true);
    view.setUint16(20, 1, true);
    view.setUint16(22, 1, true);
    view.setUint32(24, RATE, true);
    view.setUint32(28, RATE, true);
    view.setUint16(32, 1, true);
    view.setUint16(34, 8, true);
    write(36, "data");
    view.setUint32(40, count, true);
    new Uint8Array(view.buffer, 44).fill(128);
    const bytes = new Uint8Array(view.buffer);
    let text = "";
    for (let i = 0; i < bytes.length; i += 4096) {
        text += String.fromCharCode(...bytes.subarray(i, i + 4096));
    }
    return `data:audio/wav;base64,${btoa(text)}`;
}

/** Lets the browser play a file of this test in place of what it would ask the server for. */
function serve(sound = wav()) {
    const server = { sound };
    patchWithCleanup(HTMLMediaElement.prototype, {
        get src() {
            return super.src;
        },
        set src(address) {
            expect.step(address);
            super.src = server.sound;
        },
    });
    return server;
}

function allowListening(rights = {}) {
    patchWithCleanup(session, {
        airtel_ccp: { can_listen: true, can_download: true, ...rights },
    });
}

function audio() {
    return queryOne(`${PLAYER} audio`);
}

function time() {
    return queryOne(".o_airtel_ccp_time").textContent.replace(/\s+/g, " ").trim();
}

async function mountPlayer(props) {
    await mountWithCleanup(CallPlayer, { props: { callId: 7, seconds: 28, ...props } });
}

async function play() {
    await contains(".o_airtel_ccp_play").click();
    await waitFor(`${PLAYER}[data-playing=true]`);
}

describe("player", () => {
    beforeEach(() => allowListening());

    test("asks nothing of the server before play, and shows the talk time until then", async () => {
        serve();
        await mountPlayer();
        expect(`${PLAYER} audio`).toHaveAttribute("preload", "none");
        expect(`${PLAYER} audio`).not.toHaveAttribute("src");
        expect(time()).toBe("00:00 / 00:28");
        await contains(".o_airtel_ccp_forward").click();
        await contains(".o_airtel_ccp_speed").select("1.5");
        expect.verifySteps([]);
        await play();
        expect.verifySteps([ADDRESS]);
        expect(time()).toMatch(/\/ 00:30$/);
        expect(audio().duration).toBe(LENGTH);
        expect(audio().currentTime).toBeGreaterThan(9.9);
        expect(audio().playbackRate).toBe(1.5);
        await contains(".o_airtel_ccp_play").click();
        await waitFor(`${PLAYER}[data-playing=false]`);
        expect(audio().paused).toBe(true);
    });

    test("seeks", async () => {
        serve();
        await mountPlayer();
        await play();
        await setInputRange(".o_airtel_ccp_seek", 20);
        expect(audio().currentTime).toBeGreaterThan(19.9);
        await waitUntil(() => time().startsWith("00:20 /"));
        expect(queryOne(".o_airtel_ccp_seek").getAttribute("aria-valuetext")).toMatch(
            /^00:2\d of 00:30$/
        );
        expect.verifySteps([ADDRESS]);
    });

    test("keys work while the player has the focus, and not elsewhere", async () => {
        serve();
        await mountPlayer();
        document.activeElement.blur();
        await press("k");
        expect(audio().paused).toBe(true);
        queryOne(".o_airtel_ccp_seek").focus();
        await press("k");
        await waitFor(`${PLAYER}[data-playing=true]`);
        await press(" ");
        await waitFor(`${PLAYER}[data-playing=false]`);
        await press("ArrowRight");
        await press("ArrowRight");
        expect(Math.floor(audio().currentTime)).toBe(20);
        await press("ArrowLeft");
        expect(Math.floor(audio().currentTime)).toBe(10);
        await press("ArrowUp");
        expect(audio().playbackRate).toBe(1.25);
        await press("<");
        await press("ArrowDown");
        expect(audio().playbackRate).toBe(0.75);
        expect.verifySteps([ADDRESS]);
    });

    test("the speed is remembered", async () => {
        await mountPlayer();
        expect(queryAllTexts(".o_airtel_ccp_speed option")).toEqual([
            "0.5×",
            "0.75×",
            "1×",
            "1.25×",
            "1.5×",
            "1.75×",
            "2×",
        ]);
        await contains(".o_airtel_ccp_speed").select("2");
        expect(browser.localStorage.getItem(SPEED_KEY)).toBe("2");
        await mountPlayer({ callId: 8 });
        expect(".o_airtel_ccp_speed:last").toHaveValue("2");
    });

    test("goes on where the user stopped; what was heard to the end begins anew", async () => {
        serve();
        rememberPosition(7, 12);
        await mountPlayer();
        expect(time()).toBe("00:12 / 00:28");
        await play();
        expect(audio().currentTime).toBeGreaterThan(11.9);
        await setInputRange(".o_airtel_ccp_seek", 29.9);
        await waitFor(`${PLAYER}[data-playing=false]`, { timeout: 5000 });
        await waitUntil(() => recallPosition(7) === 0);
        await waitUntil(() => time() === "00:00 / 00:30");
        expect.verifySteps([ADDRESS]);
    });

    test("only so many positions are kept, and rubbish is not believed", () => {
        for (let id = 1; id <= MAX_POSITIONS + 5; id++) {
            rememberPosition(id, id);
        }
        expect(JSON.parse(browser.localStorage.getItem(POSITIONS_KEY))).toHaveLength(MAX_POSITIONS);
        expect(recallPosition(5)).toBe(0);
        expect(recallPosition(6)).toBe(6);
        for (const rubbish of ["{", "7", '[["a", null], 3]']) {
            browser.localStorage.setItem(POSITIONS_KEY, rubbish);
            expect(recallPosition(6)).toBe(0);
        }
    });

    test("one at a time", async () => {
        serve();
        await mountPlayer();
        await mountPlayer({ callId: 8 });
        await contains(`.o_airtel_ccp_play:first`).click();
        await waitFor(`${PLAYER}:first[data-playing=true]`);
        await contains(`.o_airtel_ccp_play:last`).click();
        await waitFor(`${PLAYER}:last[data-playing=true]`);
        await waitFor(`${PLAYER}:first[data-playing=false]`);
        expect.verifySteps([ADDRESS, "/airtel_ccp/recording/8"]);
    });

    test("says what the server says, and retries", async () => {
        const server = serve("data:audio/wav;base64,AAAA");
        onRpc(
            ADDRESS,
            () =>
                new Response("Airtel is still preparing it.", {
                    status: 503,
                    headers: { "Content-Type": "text/plain" },
                }),
            { pure: true }
        );
        await mountPlayer();
        await contains(".o_airtel_ccp_play").click();
        await waitFor(".o_airtel_ccp_problem:contains(Airtel is still preparing it.)");
        server.sound = wav();
        await contains(".o_airtel_ccp_retry").click();
        await waitFor(`${PLAYER}[data-playing=true]`);
        expect(".o_airtel_ccp_problem").toHaveCount(0);
        expect.verifySteps([ADDRESS, ADDRESS]);
    });

    /** Answers what the player asks after it could not play, one answer after the other. */
    function later(server, states, says = (state) => expect.step(state)) {
        onRpc(
            ADDRESS,
            () => {
                const state = states.length > 1 ? states.shift() : states[0];
                if (state === "ready") {
                    server.sound = wav();
                    return new Response("R", {
                        status: 206,
                        headers: { "Content-Type": "audio/wav" },
                    });
                }
                says(state);
                return new Response("In the server's words.", {
                    status: 503,
                    headers: {
                        "Content-Type": "text/plain",
                        "Retry-After": "1",
                        "X-Airtel-Ccp": state,
                    },
                });
            },
            { pure: true }
        );
    }

    test("waits until the recording is there, and starts by itself", async () => {
        later(serve("data:audio/wav;base64,AAAA"), ["preparing", "waiting", "ready"]);
        await mountPlayer();
        await contains(".o_airtel_ccp_play").click();
        await waitFor(".o_airtel_ccp_waiting:contains(being prepared. It starts by itself.)");
        expect(".o_airtel_ccp_play").toHaveAttribute("title", "Stop waiting");
        expect(getService("airtel_ccp.player").state.statusId).toBe(7);
        await waitFor(".o_airtel_ccp_waiting:contains(Too many people are listening)");
        await waitFor(`${PLAYER}[data-playing=true]`);
        expect(".o_airtel_ccp_waiting").toHaveCount(0);
        expect(getService("airtel_ccp.player").state.statusId).toBe(false);
        expect.verifySteps([ADDRESS, "preparing", "waiting", ADDRESS]);
    });

    test("who stops waiting is played nothing, and Odoo is not asked again", async () => {
        later(serve("data:audio/wav;base64,AAAA"), ["preparing"]);
        await mountPlayer();
        await contains(".o_airtel_ccp_play").click();
        await waitFor(".o_airtel_ccp_waiting");
        await contains(".o_airtel_ccp_play").click();
        await waitForNone(".o_airtel_ccp_waiting");
        expect(".o_airtel_ccp_play").toHaveAttribute("title", "Play");
        expect(getService("airtel_ccp.player").state.playingId).toBe(false);
        await advanceTime(20000);
        expect.verifySteps([ADDRESS, "preparing"]);
    });

    test("another recording that is played ends the waiting", async () => {
        const server = serve("data:audio/wav;base64,AAAA");
        later(server, ["preparing"]);
        await mountPlayer();
        await mountPlayer({ callId: 8 });
        await contains(".o_airtel_ccp_play:first").click();
        await waitFor(".o_airtel_ccp_waiting");
        server.sound = wav();
        await contains(".o_airtel_ccp_play:last").click();
        await waitFor(`${PLAYER}:last[data-playing=true]`);
        expect(".o_airtel_ccp_waiting").toHaveCount(0);
        await advanceTime(20000);
        expect.verifySteps([ADDRESS, "preparing", "/airtel_ccp/recording/8"]);
    });

    test("gives up after some minutes", async () => {
        let asked = 0;
        later(serve("data:audio/wav;base64,AAAA"), ["waiting"], () => asked++);
        await mountPlayer();
        await contains(".o_airtel_ccp_play").click();
        await waitFor(".o_airtel_ccp_waiting");
        for (let round = 0; round < 60; round++) {
            await advanceTime(10000);
        }
        await waitFor(".o_airtel_ccp_problem:contains(takes longer than usual)");
        expect(".o_airtel_ccp_waiting").toHaveCount(0);
        expect(asked).toBeLessThan(60);
        expect.verifySteps([ADDRESS]);
    });

    test("a file that is not there yet is waited for, too", async () => {
        later(serve(), ["preparing", "ready"]);
        patchWithCleanup(HTMLAnchorElement.prototype, {
            click() {
                expect.step(`download ${this.getAttribute("href")}`);
            },
        });
        await mountPlayer();
        const click = new MouseEvent("click", { bubbles: true, cancelable: true });
        queryOne(".o_airtel_ccp_download").dispatchEvent(click);
        await waitFor(".o_airtel_ccp_waiting:contains(being prepared)");
        await waitForNone(".o_airtel_ccp_waiting");
        await waitUntil(() => !queryOne(PLAYER).querySelector(".fa-spin"));
        expect(audio()).not.toHaveAttribute("src");
        expect.verifySteps(["preparing", `download ${ADDRESS}?download=1`]);
    });

    test("words of its own for an answer without any", async () => {
        serve("data:audio/wav;base64,AAAA");
        const answers = [
            [403, "may not listen"],
            [404, "No recording was found"],
            [410, "no recording of this call"],
            [500, "cannot be played now"],
        ];
        let status;
        onRpc(
            ADDRESS,
            () =>
                new Response("<h1>Oops</h1>", { status, headers: { "Content-Type": "text/html" } }),
            { pure: true }
        );
        await mountPlayer();
        for (const [code, words] of answers) {
            status = code;
            await contains(".o_airtel_ccp_play").click();
            await waitFor(`.o_airtel_ccp_problem:contains(${words})`);
        }
        expect(".o_airtel_ccp_problem").not.toHaveText(/Oops/);
        expect.verifySteps(answers.map(() => ADDRESS));
    });

    test("a download button only for those who may", async () => {
        await mountPlayer();
        expect(".o_airtel_ccp_download").toHaveAttribute("href", `${ADDRESS}?download=1`);
    });
});

test("no download button for those who may listen only", async () => {
    allowListening({ can_download: false });
    await mountPlayer();
    expect(PLAYER).toHaveCount(1);
    expect(".o_airtel_ccp_download").toHaveCount(0);
});

describe("field", () => {
    const FORM = /* xml */ `<form><field name="recording_state" widget="ccp_player"/></form>`;
    const LIST = /* xml */ `<list><field name="customer_name"/><field name="recording_state" widget="ccp_player"/></list>`;

    /** Fills the calls of the test: one of each state. */
    function fill({ problem = "Airtel is preparing it." } = {}) {
        const states = ["none", "pending", "stored", "missing", "deleted", "at_airtel"];
        onRpc("ccp.call", "web_read", ({ args }) => [
            call(states[args[0][0] - 5], args[0][0], problem),
        ]);
        const listed = states.slice(0, 5);
        onRpc("ccp.call", "web_search_read", () => ({
            length: listed.length,
            records: listed.map((state, index) => call(state, index + 5, problem)),
        }));
    }

    function call(state, id, problem) {
        return {
            id,
            customer_name: "Priya Sharma",
            display_name: "Call to Priya Sharma",
            talk_seconds: 28,
            recording_state: state,
            recording_problem: state === "pending" ? problem : false,
        };
    }

    test("a form says each state in words", async () => {
        allowListening();
        fill();
        const expected = {
            5: [0, "Not recorded"],
            8: [0, "Not delivered by Airtel"],
            9: [0, "Deleted by retention"],
            10: [1, "The recording is at Airtel. Press play, and it starts as soon as it is here."],
        };
        for (const [id, [players, words]] of Object.entries(expected)) {
            await mountView({ type: "form", resModel: "ccp.call", resId: Number(id), arch: FORM });
            const form = `.o_airtel_ccp_recording:last`;
            expect(`${form} ${PLAYER}`).toHaveCount(players);
            expect(`${form} .o_airtel_ccp_words`).toHaveText(words);
        }
        expect(".o_airtel_ccp_recording_error").toHaveCount(0);
    });

    test("a form says either what to do or what went wrong", async () => {
        allowListening();
        fill();
        const form = `.o_airtel_ccp_recording:last`;
        await mountView({ type: "form", resModel: "ccp.call", resId: 6, arch: FORM });
        expect(`${form} ${PLAYER}`).toHaveCount(1);
        expect(`${form} .o_airtel_ccp_recording_error`).toHaveText("Airtel is preparing it.");
        expect(`${form} .o_airtel_ccp_words`).toHaveCount(0);
        fill({ problem: false });
        await mountView({ type: "form", resModel: "ccp.call", resId: 6, arch: FORM });
        expect(`${form} ${PLAYER}`).toHaveCount(1);
        expect(`${form} .o_airtel_ccp_recording_error`).toHaveCount(0);
        expect(`${form} .o_airtel_ccp_words`).toHaveText(
            "Being prepared. Press play, and it starts as soon as it is here."
        );
    });

    test("a form plays", async () => {
        allowListening();
        fill();
        serve();
        await mountView({ type: "form", resModel: "ccp.call", resId: 7, arch: FORM });
        expect(".o_airtel_ccp_words").toHaveCount(0);
        expect(time()).toBe("00:00 / 00:28");
        expect(PLAYER).toHaveAttribute("aria-label", "Recording: Call to Priya Sharma");
        await play();
        expect.verifySteps([ADDRESS]);
    });

    test("a recording that is open in the bar has no second player", async () => {
        allowListening();
        fill();
        serve();
        await mountView({ type: "form", resModel: "ccp.call", resId: 7, arch: FORM });
        expect(PLAYER).toHaveCount(1);
        getService("airtel_ccp.player").open({ callId: 7, title: "Call", seconds: 28 });
        await waitFor(`${BAR} ${PLAYER}[data-playing=true]`);
        expect(PLAYER).toHaveCount(1);
        expect(".o_airtel_ccp_words").toHaveText("This recording is open in the player bar.");
        await contains(".o_airtel_ccp_player_close").click();
        await waitFor(`.o_airtel_ccp_recording ${PLAYER}`);
        expect(PLAYER).toHaveCount(1);
        expect.verifySteps([ADDRESS]);
    });

    test("no right, no player: words only", async () => {
        fill();
        await mountView({ type: "form", resModel: "ccp.call", resId: 7, arch: FORM });
        expect(PLAYER).toHaveCount(0);
        expect(".o_airtel_ccp_words").toHaveText("Recorded; you may not listen to it.");
        await mountView({ type: "list", resModel: "ccp.call", arch: LIST });
        expect("button.o_airtel_ccp_listen").toHaveCount(0);
        expect(queryAllTexts("td[name=recording_state]")).toEqual([
            "Not recorded",
            "Recorded",
            "Recorded",
            "Not delivered by Airtel",
            "Deleted by retention",
        ]);
    });

    test("a row plays in the bar and does not open", async () => {
        allowListening();
        fill();
        serve();
        await mountView({
            type: "list",
            resModel: "ccp.call",
            arch: LIST,
            selectRecord: () => expect.step("opened"),
        });
        expect("button.o_airtel_ccp_listen").toHaveCount(2);
        await contains("button.o_airtel_ccp_listen:last").click();
        await waitFor(`${BAR} ${PLAYER}[data-playing=true]`);
        expect(`${BAR} header`).toHaveText("Call to Priya Sharma");
        expect("button.o_airtel_ccp_listen:last").toHaveAttribute("aria-pressed", "true");
        expect("button.o_airtel_ccp_listen:first").toHaveAttribute("aria-pressed", "false");
        await contains("button.o_airtel_ccp_listen:last").click();
        await waitFor(`${BAR} ${PLAYER}[data-playing=false]`);
        await contains("button.o_airtel_ccp_listen:last").click();
        await waitFor(`${BAR} ${PLAYER}[data-playing=true]`);
        expect.verifySteps([ADDRESS]);
        await contains(".o_airtel_ccp_player_close").click();
        expect(BAR).toHaveCount(0);
        await waitForNone("button.o_airtel_ccp_listen[aria-pressed=true]");
        await contains("td[name=customer_name]:first").click();
        expect.verifySteps(["opened"]);
    });
});

describe("chatter card", () => {
    const CARD = /* xml */ `<div class="o_airtel_ccp_card"><strong>Call to Priya Sharma</strong>
        <a class="o_airtel_ccp_listen" href="${ADDRESS}" target="_blank">Listen</a>WORDS</div>`;

    async function openCard() {
        const pyEnv = await startServer();
        const partnerId = pyEnv["res.partner"].create({ name: "Priya Sharma" });
        const messageId = pyEnv["mail.message"].create({
            body: CARD,
            model: "res.partner",
            res_id: partnerId,
            message_type: "notification",
        });
        await start();
        await openFormView("res.partner", partnerId);
        await waitFor(".o-mail-Message a.o_airtel_ccp_listen");
        return { pyEnv, messageId };
    }

    test("its link plays in place, and goes on when the card changes", async () => {
        allowListening();
        serve();
        const { pyEnv, messageId } = await openCard();
        await click(".o-mail-Message a.o_airtel_ccp_listen");
        await waitFor(`${BAR} ${PLAYER}[data-playing=true]`);
        expect(`${BAR} header`).toHaveText("Call to Priya Sharma");
        const playing = audio();
        const [partner] = pyEnv["res.partner"].read(pyEnv.user.partner_id);
        pyEnv["bus.bus"]._sendone(
            pyEnv["res.partner"].browse(partner.id)[0],
            "mail.record/insert",
            { "mail.message": [{ id: messageId, body: ["markup", CARD.replace("WORDS", "New")] }] }
        );
        await waitFor(".o_airtel_ccp_card:contains(New)");
        expect(audio()).toBe(playing);
        expect(playing.paused).toBe(false);
        expect.verifySteps([ADDRESS]);
    });

    test("says so to users who may not listen", async () => {
        await openCard();
        await click(".o-mail-Message a.o_airtel_ccp_listen");
        await waitFor(".o_notification:contains(you may not listen)");
        expect(BAR).toHaveCount(0);
    });
});

test("the panel offers the recording of the call that ended", async () => {
    allowListening({ can_call: true });
    serve();
    const server = onState({ call: { state: "in_call", recording: "pending" } });
    await start();
    await waitFor(".o_airtel_ccp_panel");
    expect(".o_airtel_ccp_panel_listen").toHaveCount(0);
    server.call = { state: "ended", result: "connected", recording: "stored", talk_seconds: 28 };
    tellCall(server.call);
    await click(".o_airtel_ccp_panel_listen");
    await waitFor(`${BAR} ${PLAYER}[data-playing=true]`);
    expect.verifySteps([ADDRESS]);
});
