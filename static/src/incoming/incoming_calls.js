import { reactive } from "@odoo/owl";
import { browser } from "@web/core/browser/browser";
import { user } from "@web/core/user";
import { pick } from "@web/core/utils/objects";
import { sentenceOf } from "../errors";
import { isPanelShown } from "../panel/panel_shown";

/** The bus message with the time until which the user is away. */
export const AWAY_MESSAGE = "airtel_ccp.away";
/** The bus message that the number of the user's call-backs changed. */
export const CALLBACKS_MESSAGE = "airtel_ccp.callbacks";
/** The values of a call that depend on the user's rights. */
export const CALLER_VALUES = [
    "can_open",
    "candidates",
    "company",
    "customer",
    "known",
    "last",
    "reason_text",
    "record_name",
];
/** How often the server is asked while a call rings, in milliseconds: a message may be lost. */
export const RING_DELAY = 8000;
/** How long a decision is shown that no call has followed, in milliseconds. */
export const DECISION_LIFE = 120000;
/** How long a ringing call is shown if the server sends nothing about it, in milliseconds. */
export const RING_LIFE = 360000;
/** How long it is shown that a colleague took a call, in milliseconds. */
export const TAKEN_LIFE = 10000;
/** How long a missed call is shown, in milliseconds. */
export const MISSED_LIFE = 300000;
/** How often to look for calls that were shown long enough, in milliseconds. */
export const TIDY_DELAY = 1000;
/** The browser's storage key for calls that the user hid, in all tabs. */
export const HIDDEN_KEY = "airtel_ccp.hidden_calls";

/** How far apart the times of a decision and its call may be, in milliseconds. */
const PAIR_TIME = 90000;
const HIDDEN_LIFE = 3600000;

/**
 * @typedef {Object} IncomingCall a `Call` (see call_service.js), or a decision before there is one
 * @property {number|false} id id of the `ccp.call`; false of a decision
 * @property {string} decision id of the decision that put the call through, or ""
 * @property {string} pair a digest of both numbers
 * @property {boolean} mine whether the user talks or talked
 * @property {{user_id: number, name: string, state: "waits"|"rings"|"talks"|"missed"}[]} ringing
 * @property {boolean} at_once whether all of them are rung at the same time
 * @property {string} reason the code of why it was put through
 * @property {string} [reason_text] the reason in words; like the properties below it is in answers
 *  of `ccp.panel.state`, never in bus messages
 * @property {boolean} [known] whether any record has the customer's number
 * @property {{model: string, id: number, name: string, reason: string}[]} [candidates]
 */

/**
 * Returns the key that identifies a call in notifications.
 *
 * @param {{id: number|false, decision?: string}} call
 * @returns {number|string}
 */
export function keyOf({ id, decision }) {
    return id || decision;
}

/**
 * The incoming calls that ring, rang or may ring the user, kept up to date with the server. The
 * server decides; a call that it no longer sends disappears soon.
 */
export class IncomingCalls {
    /** @param {import("../call_service").CallService} calls */
    constructor(calls) {
        this.calls = calls;
        this.state = reactive({
            /** @type {IncomingCall[]} */
            list: [],
            /** The calls that the user hid: by key, when. */
            hidden: this.readHidden(),
            /** Whether customers can call at all. */
            takesCalls: false,
            /** Until when the user is away, in milliseconds since 1970. */
            awayUntil: false,
            /** How many call-backs the user should make. */
            callbacks: 0,
            /** Why the user's last action failed, and at which call. */
            problem: { key: null, text: "" },
        });
        this.isAsking = false;
        this.count = 0;
        if (calls.canCall) {
            calls.bus.subscribe(AWAY_MESSAGE, ({ away_until }) => this.keepAway(away_until));
            calls.bus.subscribe(CALLBACKS_MESSAGE, () => calls.load());
            browser.addEventListener("storage", ({ key }) => {
                if (key === HIDDEN_KEY) {
                    this.state.hidden = this.readHidden();
                }
            });
        }
    }

    get list() {
        return this.state.list;
    }

    /** Whether there is a call that rings, or in which the user talks. */
    get isLive() {
        return this.list.some(({ live }) => live);
    }

    /** Whether a call rings that the user has not taken. */
    get isRinging() {
        return this.list.some(({ live, mine }) => live && !mine);
    }

    // The call in the panel's own place

    /** Whether the user works in the panel: no other call may replace the one shown. */
    get isBusy() {
        const { confirmation, current, requireOutcome } = this.calls.state;
        if (!current) {
            return false;
        }
        const needsOutcome =
            requireOutcome &&
            current.direction !== "inbound" &&
            current.result === "connected" &&
            !current.outcome_id;
        const { activeElement } = document;
        const hasFocus =
            activeElement?.closest(".o_airtel_ccp_panel") &&
            !activeElement.closest(".o_airtel_ccp_incoming");
        return Boolean(
            current.live || confirmation || needsOutcome || this.calls.note.isTouched || hasFocus
        );
    }

    /**
     * @param {IncomingCall} call
     * @returns {boolean} whether an own incoming call waits beside the one in the panel
     */
    isAside(call) {
        const { current, opened } = this.calls.state;
        return (
            call.direction === "inbound" &&
            call.id !== current?.id &&
            call.id !== opened &&
            this.isBusy
        );
    }

    /** The arguments of `ccp.panel.state`: the call that must stay, and those shown here. */
    get questions() {
        const { current, opened } = this.calls.state;
        const ids = this.list.map(({ id }) => id).filter(Boolean);
        const hasOther = this.list.some(({ id, mine }) => mine && id !== current?.id);
        const stays = hasOther && !current?.live && this.isBusy ? current.id : null;
        const wanted = opened ?? stays;
        if (ids.length) {
            return [wanted, ids];
        }
        return wanted ? [wanted] : [];
    }

    // What the server says

    /**
     * Applies a notification about an incoming call.
     *
     * @param {IncomingCall} call
     * @returns {boolean} whether that is all: the panel's own place does not show the call
     */
    take(call) {
        if (call.direction !== "inbound") {
            return false;
        }
        this.put(call);
        if (this.list.some(({ live, known }) => live && known === undefined)) {
            this.ask();
        }
        const isCurrent = call.id && this.calls.state.current?.id === call.id;
        if (isCurrent && !call.mine) {
            this.calls.note.save();
            this.calls.forget();
            return true;
        }
        return !call.mine || this.isAside(call);
    }

    /**
     * Stores the newest values of a call.
     *
     * @param {IncomingCall} call
     */
    put(call) {
        const old = this.find(call);
        const isTaken = call.state === "in_call" && !call.mine;
        if ((!old && (!call.live || isTaken)) || (old?.id && !call.id)) {
            return;
        }
        if (call.dismissed) {
            this.state.list = this.list.filter((each) => each !== old);
            return;
        }
        const isSame =
            old && (!old.id || (old.res_model === call.res_model && old.res_id === call.res_id));
        const entry = { ...(isSame && pick(old, ...CALLER_VALUES)), ...call, heard: Date.now() };
        if (old && !old.id && call.id && !("known" in call)) {
            // Until the call's names are loaded, those of the decision are shown
            delete entry.known;
        }
        // The card keeps its identity when its decision becomes a call
        entry.uid = old?.uid ?? ++this.count;
        const isSameState = old && old.state === entry.state && old.mine === entry.mine;
        entry.until = isSameState ? old.until : this.lifeOf(entry);
        const list = this.list.filter((each) => each !== old);
        this.state.list = [...list, entry].sort((one, other) => this.rank(one) - this.rank(other));
        if (entry.mine && entry.live) {
            this.unhide(entry);
        }
        this.watch();
        this.calls.poll();
    }

    /** @returns {number|undefined} until when a call is shown; undefined as long as it lasts */
    lifeOf(entry) {
        if (entry.mine) {
            return undefined;
        }
        if (entry.state === "in_call" || entry.result === "connected") {
            return Date.now() + TAKEN_LIFE;
        }
        return entry.live ? undefined : Date.now() + MISSED_LIFE;
    }

    /** Sorts the user's conversation first, then calls that ring the user. */
    rank(entry) {
        if (entry.mine && entry.live) {
            return 0;
        }
        return entry.live ? ({ rings: 1, waits: 2 }[this.ownState(entry)] ?? 3) : 4;
    }

    /**
     * @param {IncomingCall} entry
     * @returns {"waits"|"rings"|"talks"|"missed"|undefined} the call's state at the user's phone
     */
    ownState({ ringing }) {
        return ringing.find(({ user_id }) => user_id === user.userId)?.state;
    }

    /**
     * Returns the entry that shows the same call, if there is one.
     *
     * @param {IncomingCall} call
     * @returns {IncomingCall|undefined}
     */
    find({ decision, id, pair, start }) {
        return this.list.find((each) => {
            if (id && each.id) {
                return id === each.id;
            }
            if (decision && each.decision) {
                return decision === each.decision;
            }
            return pair === each.pair && Math.abs(start - each.start) < PAIR_TIME;
        });
    }

    /**
     * Applies an answer of `ccp.panel.state`.
     *
     * @param {Object} answer
     * @param {(key: number|string) => boolean} isNewer whether the bus sent something about a call
     *  after the server was asked
     */
    merge(answer, isNewer) {
        this.state.takesCalls = answer.takes_calls;
        this.keepAway(answer.away_until);
        this.state.callbacks = answer.callbacks;
        for (const call of answer.incoming) {
            const old = this.find(call);
            if (old && isNewer(keyOf(old))) {
                Object.assign(old, pick(call, ...CALLER_VALUES));
            } else {
                this.put(call);
            }
        }
        const found = new Set(answer.incoming.map((call) => this.find(call)));
        this.state.list = this.list.filter(
            (each) => !each.live || found.has(each) || isNewer(keyOf(each))
        );
    }

    /** Asks the server for the values of a call and its caller that bus messages lack. */
    async ask() {
        this.asksAgain = true;
        if (this.isAsking) {
            return;
        }
        this.isAsking = true;
        try {
            while (this.asksAgain) {
                this.asksAgain = false;
                await this.calls.load();
            }
        } finally {
            this.isAsking = false;
        }
    }

    // What is shown, and how long

    /**
     * Returns the calls to show beside the call in the panel's own place.
     *
     * @returns {IncomingCall[]}
     */
    shown(state = this.state, panel = this.calls.state) {
        const inPlace = isPanelShown(panel) ? panel.current?.id : undefined;
        return state.list.filter(
            (each) =>
                !(each.id && each.id === inPlace) &&
                !(each.id in state.hidden) &&
                !(each.decision in state.hidden)
        );
    }

    /** Removes old calls, again and again as long as there are any. */
    watch() {
        browser.clearTimeout(this.timeout);
        if (this.list.length) {
            this.timeout = browser.setTimeout(() => {
                this.tidy();
                this.watch();
            }, TIDY_DELAY);
        }
    }

    tidy() {
        const now = Date.now();
        const { current } = this.calls.state;
        const isOver = ({ heard, id, live, mine, state, until }) => {
            if (mine && !live && id === current?.id) {
                return true;
            }
            if (until !== undefined) {
                return now >= until;
            }
            const silent = now - heard;
            return live && state !== "in_call" && silent >= (id ? RING_LIFE : DECISION_LIFE);
        };
        if (this.list.some(isOver)) {
            this.state.list = this.list.filter((each) => !isOver(each));
            this.calls.poll();
        }
    }

    // What the user does

    /**
     * Hides a call in all tabs; it continues to ring.
     *
     * @param {IncomingCall} entry
     */
    hide(entry) {
        const now = Date.now();
        const kept = Object.entries(this.readHidden()).filter(([, at]) => now - at < HIDDEN_LIFE);
        const keys = [entry.id, entry.decision].filter(Boolean);
        this.writeHidden({
            ...Object.fromEntries(kept),
            ...Object.fromEntries(keys.map((key) => [key, now])),
        });
    }

    /**
     * Shows a hidden call again, because the user picked up.
     *
     * @param {IncomingCall} entry
     */
    unhide(entry) {
        const { [entry.id]: byId, [entry.decision]: byDecision, ...others } = this.readHidden();
        if (byId || byDecision) {
            this.writeHidden(others);
        }
    }

    readHidden() {
        return JSON.parse(browser.localStorage.getItem(HIDDEN_KEY) ?? "{}");
    }

    writeHidden(hidden) {
        this.state.hidden = hidden;
        browser.localStorage.setItem(HIDDEN_KEY, JSON.stringify(hidden));
    }

    /**
     * Runs a request of the user about a call; if it fails, the call shows why.
     *
     * @template T
     * @param {IncomingCall|null} entry
     * @param {string} method a method of `ccp.panel`
     * @param {any[]} args
     * @returns {Promise<T|undefined>} undefined if it failed
     */
    async request(entry, method, args) {
        const key = entry && keyOf(entry);
        this.state.problem = { key: null, text: "" };
        try {
            return await this.calls.orm.call("ccp.panel", method, args);
        } catch (error) {
            const text = sentenceOf(error);
            if (text === undefined) {
                throw error;
            }
            this.state.problem = { key, text };
        }
    }

    /**
     * Sets the record that a call is about.
     *
     * @param {IncomingCall} entry
     * @param {{model: string, id: number}} record
     * @returns {Promise<boolean>} whether the call has that record now
     */
    async choose(entry, { model, id }) {
        const isDone = await this.request(entry, "choose_record", [entry.id, model, id]);
        if (isDone) {
            await this.calls.load();
        }
        return Boolean(isDone);
    }

    /**
     * Creates a record for an unknown customer, and opens it as a page, so the call stays visible.
     *
     * @param {IncomingCall} entry
     * @param {"new_lead"|"new_contact"} method
     */
    async make(entry, method) {
        const made = await this.request(entry, method, [entry.id]);
        if (made) {
            await this.calls.load();
            await this.open(made);
        }
    }

    /**
     * Opens a record's form.
     *
     * @param {{res_model: string, res_id: number}} record
     */
    open({ res_model, res_id }) {
        return this.calls.env.services.action.doAction({
            type: "ir.actions.act_window",
            res_model,
            res_id,
            views: [[false, "form"]],
            target: "current",
        });
    }

    /**
     * Sets for how long no call rings the user.
     *
     * @param {number} minutes see `ccp.panel.set_away`
     */
    async setAway(minutes) {
        const until = await this.request(null, "set_away", [minutes]);
        if (until !== undefined) {
            this.keepAway(until);
        }
    }

    /**
     * Stores until when the user is away, and clears it at that time.
     *
     * @param {number|false} until milliseconds since 1970
     */
    keepAway(until) {
        browser.clearTimeout(this.awayTimeout);
        this.state.awayUntil = until;
        if (until) {
            // Browsers cannot wait longer than 24 days; no absence is that long
            const left = until - Date.now() - this.calls.clockOffset;
            this.awayTimeout = browser.setTimeout(() => this.keepAway(false), Math.max(0, left));
        }
    }
}
