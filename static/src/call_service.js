import { reactive } from "@odoo/owl";
import { WORKER_STATE } from "@bus/workers/websocket_worker";
import { browser } from "@web/core/browser/browser";
import { _t } from "@web/core/l10n/translation";
import { ConnectionLostError } from "@web/core/network/rpc";
import { registry } from "@web/core/registry";
import { user } from "@web/core/user";
import { pick } from "@web/core/utils/objects";
import { session } from "@web/session";
import { isSessionExpired, remedyOf, sentenceOf } from "./errors";
import { CALLER_VALUES, IncomingCalls, RING_DELAY, keyOf } from "./incoming/incoming_calls";
import { CallList, LIST_CHANGED, LIST_MESSAGE } from "./panel/call_list";
import { FollowingUp } from "./panel/following_up";
import { NoteKeeper } from "./panel/note_keeper";
import { Questions } from "./panel/questions";
import { rememberedRecording } from "./panel/recording_question";
import { remedyButtons } from "./remedy";

export const BUS_MESSAGE = "airtel_ccp.call";
/** The bus message that Airtel's reports are late, or on time again. */
export const HEALTH_MESSAGE = "airtel_ccp.health";
/** The pause between two requests for the state while the bus is lost, in milliseconds. */
export const POLL_DELAY = 4000;
/** The same while the bus is there, in milliseconds. */
export const CHECK_DELAY = 30000;
/** How long the bus may take to connect at the start, in milliseconds. */
export const BUS_PATIENCE = 8000;
/** The browser's storage key for whether the user minimised the panel into the top bar. */
export const MINIMISED_KEY = "airtel_ccp.minimised";

/**
 * @typedef {Object} Call a call's values from `ccp.panel`; times are milliseconds since 1970
 * @property {number} id id of the `ccp.call`
 * @property {string} state one of `ccp.call`'s states
 * @property {string|false} result one of `ccp.call`'s results, once ended
 * @property {boolean} live
 * @property {string} tone the colour in which every view shows the call
 * @property {boolean} dismissed whether the user removed it from the panel
 * @property {string} message a sentence for the user about the call's state
 * @property {string} customer
 * @property {string} phone masked
 * @property {string} res_model the record that was called
 * @property {number} res_id
 * @property {"outbound"|"inbound"} direction
 * @property {boolean} [can_open] whether the record exists and the user may see it; like the two
 *  properties below it is in answers of `ccp.panel.state`, never in bus messages
 * @property {string} [record_name]
 * @property {Object|false} [last] the previous call to the same contact or record
 * @property {number|false} answer when they began to talk
 * @property {number} now the server's clock
 */

/**
 * Places calls through Airtel CCP and follows them, for users with the right to call. For other
 * users it does nothing: no request, no bus subscription.
 *
 * The server decides; this service only keeps its latest answer.
 */
export class CallService {
    /**
     * @param {import("@web/env").OdooEnv} env
     * @param {Object} services
     */
    constructor(env, { "airtel_ccp.card": card, bus_service, dialog, notification, orm }) {
        this.env = env;
        this.bus = bus_service;
        this.questions = new Questions(dialog);
        this.card = card;
        this.notification = notification;
        this.orm = orm;
        /** Whether the user may place calls. */
        this.canCall = Boolean(session.airtel_ccp?.can_call);
        this.state = reactive({
            /** @type {Call|null} the user's live call, else the last one that was not dismissed */
            current: null,
            /** Whether a click is in progress: no second call may be placed meanwhile. */
            placing: false,
            outcomes: [],
            requireOutcome: false,
            /** The next entry of the user's call list. */
            list: { waiting: 0, next: false },
            /** Whether the panel is minimised into the top bar. */
            minimised: browser.localStorage.getItem(MINIMISED_KEY) === "true",
            /** Whether Airtel's reports are late or missing. */
            areReportsLate: false,
            /** Whether the server cannot notify this browser. */
            isBusLost: false,
            /** The result of the user's last action in the panel. */
            answer: { text: "", type: "info" },
            /** Id of an ended call that the user opened again, or null. */
            opened: null,
            /** The question to confirm before an outcome is saved, or null. */
            confirmation: null,
            /** The selector of what gets the focus in the panel; a new object for each request. */
            focus: null,
        });
        this.note = new NoteKeeper(orm);
        this.followingUp = new FollowingUp(this);
        this.list = new CallList(this);
        /** How many milliseconds the server's clock is ahead of this browser's. */
        this.clockOffset = 0;
        /** Id of the last bus notification about each call; older ones are ignored. */
        this.lastNotified = new Map();
        this.closeFailure = () => {};
        this.incoming = new IncomingCalls(this);
        if (this.canCall) {
            this.bus.subscribe(BUS_MESSAGE, (call, { id }) => this.onNotified(call, id));
            this.bus.subscribe(LIST_MESSAGE, () => this.list.onChanged());
            this.bus.subscribe(HEALTH_MESSAGE, ({ company_id, reports_late }) => {
                if (company_id === user.activeCompany.id) {
                    this.state.areReportsLate = reports_late;
                }
            });
            this.bus.addEventListener("BUS:WORKER_STATE_UPDATED", ({ detail }) =>
                this.onBusState(detail)
            );
            this.workerState = this.bus.workerState;
            this.bus.start();
            browser.setTimeout(() => {
                if (this.workerState !== WORKER_STATE.CONNECTED) {
                    this.onBusState(WORKER_STATE.DISCONNECTED);
                }
            }, BUS_PATIENCE);
            browser.addEventListener("online", () => this.load());
            this.load();
        }
    }

    /** Whether a phone of this user rings or is in use through Airtel. */
    get isLive() {
        return Boolean(this.state.current?.live);
    }

    // What the server knows

    /**
     * Loads the present state from the server. If that fails, the former state stays.
     *
     * @returns {Promise<boolean>} whether the server answered
     */
    async load() {
        const notifiedBefore = new Map(this.lastNotified);
        let answer;
        try {
            const args = this.incoming.questions;
            answer = await this.orm.silent.call("ccp.panel", "state", args);
        } catch (error) {
            const sentence = sentenceOf(error);
            if (sentence === undefined) {
                throw error;
            }
            if (!(error instanceof ConnectionLostError)) {
                this.say(sentence, "danger");
            }
            return false;
        }
        this.state.outcomes = answer.outcomes;
        this.state.requireOutcome = answer.require_outcome;
        this.state.areReportsLate = answer.reports_late;
        this.state.list = answer.list;
        const { current } = this.state;
        const isNewer = (key) => this.lastNotified.get(key) !== notifiedBefore.get(key);
        const isNotified = current && isNewer(current.id);
        if (answer.call && this.incoming.isAside(answer.call)) {
            this.incoming.put(answer.call);
        } else if (answer.call && isNotified && answer.call.id === current.id) {
            // The bus was faster, but its message lacks what depends on the user's rights
            Object.assign(current, pick(answer.call, ...CALLER_VALUES));
        } else if (answer.call && !(isNotified && answer.call.id < current.id)) {
            this.keep(answer.call);
        } else if (!answer.call && current && !current.live && !isNotified) {
            this.forget();
        }
        this.incoming.merge(answer, isNewer);
        this.note.saveOthers();
        this.poll();
        return true;
    }

    /**
     * Applies a bus message about a call.
     *
     * @param {{panel: Call, card_ids?: number[]}} payload `card_ids` are the chatter's messages
     *  that show the call and changed
     * @param {number} notificationId
     */
    onNotified({ card_ids, panel }, notificationId) {
        const key = keyOf(panel);
        if (notificationId < this.lastNotified.get(key)) {
            return;
        }
        this.lastNotified.set(key, notificationId);
        if (this.incoming.take(panel)) {
            this.refreshCards(panel, card_ids);
            return;
        }
        if (panel.state === "refused") {
            this.showFailure(panel.message);
        }
        const { current } = this.state;
        const wasLive = this.isLive;
        const isCurrent = current?.id === panel.id;
        const isGone = panel.dismissed || panel.state === "refused";
        if (isCurrent && isGone) {
            this.forget();
        } else if (!isGone && (isCurrent || panel.live)) {
            const isSameRecord =
                isCurrent &&
                current.res_model === panel.res_model &&
                current.res_id === panel.res_id;
            const known = isSameRecord ? current : (this.incoming.find(panel) ?? {});
            this.keep({ ...pick(known, ...CALLER_VALUES), ...panel });
            this.askAboutRecord();
        }
        if (wasLive && !this.isLive && this.state.list.waiting) {
            this.load();
        }
        this.refreshCards(panel, card_ids);
    }

    /**
     * Asks the server for the values of a call and its record that bus messages lack. After a click
     * this happens once its call is placed.
     */
    async askAboutRecord() {
        const isKnown = this.state.current?.can_open !== undefined;
        const isAsked = this.state.placing || this.isAsking || this.incoming.isAsking;
        if (!isKnown && !isAsked) {
            this.isAsking = true;
            try {
                await this.load();
            } finally {
                this.isAsking = false;
            }
        }
    }

    /** @param {Call} call */
    keep(call) {
        const { current } = this.state;
        if (current?.live && call.id < current.id && call.id !== this.state.opened) {
            return;
        }
        this.clockOffset = call.now - Date.now();
        const isNew = current?.id !== call.id;
        this.state.current = call;
        if (isNew) {
            this.say("");
            this.state.confirmation = null;
        }
        if (call.live && call.direction !== "inbound") {
            this.state.opened = null;
        }
        if (call.live) {
            this.closeFailure();
        }
        this.note.follow(call);
        this.poll();
    }

    forget() {
        this.state.current = null;
        this.state.opened = null;
        this.state.confirmation = null;
        this.say("");
        this.note.follow(null);
        this.poll();
    }

    // The bus

    /** @param {string} workerState a state of the bus's worker */
    onBusState(workerState) {
        this.workerState = workerState;
        if (workerState === WORKER_STATE.DISCONNECTED && !this.state.isBusLost) {
            this.state.isBusLost = true;
            this.poll();
        } else if (workerState === WORKER_STATE.CONNECTED && this.state.isBusLost) {
            this.state.isBusLost = false;
            this.poll();
            this.load();
        }
    }

    /**
     * Polls the server while a call is live or rings: often while the bus is lost, otherwise
     * rarely, because a message that is sent while the server's side of the bus starts is lost.
     */
    poll() {
        browser.clearTimeout(this.pollTimeout);
        if (this.isLive || this.incoming.isLive) {
            const usual = this.incoming.isRinging ? RING_DELAY : CHECK_DELAY;
            const delay = this.state.isBusLost ? POLL_DELAY : usual;
            this.pollTimeout = browser.setTimeout(async () => {
                await this.load();
                this.poll();
            }, delay);
        }
    }

    // Placing a call

    /**
     * Calls a saved record. Further calls are ignored while a call is being placed.
     *
     * @param {string} resModel model of the record
     * @param {number} resId id of the record
     * @param {string|null} [fieldName] the phone field with the number; by default the user chooses
     *  among all numbers of the record and its contact
     * @param {number|null} [listItemId] the entry of the call list that the call is for
     * @param {Object} [options] further values of the click, see `ccp.call.place`
     * @returns {Promise<{call_id: number, state: string, message: string}|null>} null when no call
     *  was placed; the user was shown why
     */
    call(resModel, resId, fieldName = null, listItemId = null, options = {}) {
        return this.onlyOnce(() => this.place(resModel, resId, fieldName, listItemId, options));
    }

    /**
     * Saves an open record that has changes, then calls the number in one of its phone fields.
     *
     * @param {import("@web/model/relational_model/record").Record} record
     * @param {string} fieldName the phone field
     * @returns {ReturnType<CallService["call"]>}
     */
    callRecord(record, fieldName) {
        return this.onlyOnce(async () => {
            if (!(await this.save(record))) {
                return null;
            }
            const answer = await this.place(record.resModel, record.resId, fieldName);
            if (answer && "ccp_call_count" in record.activeFields && !(await record.isDirty())) {
                await record.load();
            }
            return answer;
        });
    }

    /**
     * Runs `fn` unless an earlier click is still in progress.
     *
     * @template T
     * @param {() => Promise<T>} fn
     * @returns {Promise<T|null>}
     */
    async onlyOnce(fn) {
        if (!this.canCall || this.state.placing) {
            return null;
        }
        this.state.placing = true;
        try {
            return await fn();
        } finally {
            this.state.placing = false;
        }
    }

    /**
     * Makes sure that the server knows the number on the user's screen.
     *
     * @param {import("@web/model/relational_model/record").Record} record
     * @returns {Promise<boolean>} whether it is saved
     */
    async save(record) {
        if (!record.isNew && !(await record.isDirty())) {
            return true;
        }
        if (!record.canSaveOnUpdate) {
            this.showFailure(_t("This number is not saved yet: save your changes, then call."));
            return false;
        }
        return record.save();
    }

    async place(resModel, resId, fieldName, listItemId = null, options = {}) {
        await this.note.save();
        const said = { choice: null, options: { record: rememberedRecording(), ...options } };
        const ask = () => this.ask(resModel, resId, fieldName, listItemId, said);
        let answer = await ask();
        while (answer && !answer.call_id) {
            answer = (await this.questions.settle(answer, said)) && (await ask());
        }
        if (!answer) {
            return null;
        }
        this.reloadChatters({ res_model: resModel, res_id: resId });
        await this.load();
        return answer;
    }

    /** Asks the server for a call; null when it refuses. */
    async ask(resModel, resId, fieldName, listItemId, said) {
        const options = Object.entries(said.options).filter(([, value]) => value !== undefined);
        const args = [resModel, resId, fieldName, said.choice, listItemId];
        if (options.length) {
            args.push(Object.fromEntries(options));
        }
        try {
            return await this.orm.call("ccp.call", "place", args);
        } catch (error) {
            if (error instanceof ConnectionLostError) {
                this.showFailure(
                    _t(
                        "The connection was lost while your call was being placed: if your phone rings, pick up; otherwise try again in a few minutes."
                    )
                );
                throw error;
            }
            const sentence = sentenceOf(error);
            if (sentence === undefined || isSessionExpired(error)) {
                throw error;
            }
            await this.refuse(sentence, remedyOf(error));
            return null;
        }
    }

    /**
     * Shows why no call was placed, and opens or offers what resolves it.
     *
     * @param {string} sentence
     * @param {import("./errors").Remedy|undefined} remedy
     */
    async refuse(sentence, remedy) {
        this.showFailure(sentence, remedyButtons(this.env, remedy));
        if (remedy?.opens === "outcome") {
            await this.openCall(remedy.call_id);
        } else if (remedy?.opens === "panel") {
            this.show();
            await this.load();
            this.env.bus.trigger(LIST_CHANGED);
        }
    }

    // What the user does in the panel

    /** Restores the panel from the top bar. */
    show() {
        this.state.minimised = false;
        browser.localStorage.removeItem(MINIMISED_KEY);
    }

    /**
     * Shows an ended call in the panel, with its outcomes, even if the user removed it.
     *
     * @param {number} callId one of the user's own calls
     */
    async openCall(callId) {
        await this.note.save();
        if (await this.request("ccp.panel", "open_call", [callId])) {
            this.state.opened = callId;
            this.show();
            await this.load();
            this.focus(".o_airtel_ccp_outcome[tabindex='0']");
        }
    }

    /**
     * Focuses an element of the panel once it is drawn.
     *
     * @param {string} selector if nothing matches, the panel itself gets the focus
     */
    focus(selector) {
        this.state.focus = { selector };
    }

    /** Minimises the panel into the top bar. */
    minimise() {
        this.note.save();
        this.state.minimised = true;
        browser.localStorage.setItem(MINIMISED_KEY, "true");
    }

    /** Shows one sentence in the panel, which replaces the former one. */
    say(text, type = "info") {
        this.state.answer = { text, type };
    }

    /**
     * Runs a request of the user in the panel; if the server refuses or cannot be reached, the
     * panel shows why.
     *
     * @template T
     * @param {string} model
     * @param {string} method
     * @param {any[]} args
     * @param {boolean} [isAsked] false for requests that the panel makes by itself
     * @returns {Promise<T|undefined>} undefined if it failed
     */
    async request(model, method, args, isAsked = true) {
        if (isAsked) {
            this.say("");
        }
        try {
            return await this.orm.call(model, method, args);
        } catch (error) {
            const sentence = sentenceOf(error);
            if (sentence === undefined) {
                throw error;
            }
            this.say(sentence, "danger");
        }
    }

    /** Removes an ended call from the panel. */
    async dismiss() {
        const { id } = this.state.current;
        await this.note.save();
        if (await this.request("ccp.panel", "dismiss", [id])) {
            if (this.state.current?.id === id) {
                this.forget();
            }
            await this.load();
            this.focus(".o_airtel_ccp_skip");
        }
    }

    /** Ends a call whose end Airtel never reported. */
    async close() {
        if (await this.request("ccp.panel", "close", [this.state.current.id])) {
            await this.load();
        }
    }

    /** Shows why no call was placed; this replaces an earlier notification. */
    showFailure(message, buttons = []) {
        this.closeFailure();
        this.closeFailure = this.notification.add(message, {
            buttons,
            className: "o_airtel_ccp_notice",
            sticky: true,
            type: "danger",
        });
    }

    // The chatter

    /**
     * Updates the chatters that show a call.
     *
     * @param {Object} call
     * @param {number[]} [cardIds] the messages that changed
     */
    refreshCards(call, cardIds) {
        if (cardIds?.length) {
            this.card.follow(call, cardIds);
        } else if (call.res_model) {
            this.reloadChatters(call);
        }
    }

    /**
     * Has the open chatters of the called record and its contact load new messages.
     *
     * @param {{res_model: string, res_id: number, partner_id?: number|false}} call
     */
    reloadChatters({ res_model, res_id, partner_id }) {
        this.env.bus.trigger("MAIL:RELOAD-THREAD", { model: res_model, id: res_id });
        if (partner_id && res_model !== "res.partner") {
            this.env.bus.trigger("MAIL:RELOAD-THREAD", { model: "res.partner", id: partner_id });
        }
    }
}

export const callService = {
    dependencies: ["action", "airtel_ccp.card", "bus_service", "dialog", "notification", "orm"],
    start(env, services) {
        return new CallService(env, services);
    },
};

registry.category("services").add("airtel_ccp.call", callService);
