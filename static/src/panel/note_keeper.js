import { reactive } from "@odoo/owl";
import { browser } from "@web/core/browser/browser";
import { _t } from "@web/core/l10n/translation";
import { ConnectionLostError } from "@web/core/network/rpc";
import { isSessionExpired, sentenceOf } from "../errors";

/** How long after the last key the note is saved, in milliseconds. */
export const SAVE_DELAY = 600;
/** The pause before another try after a failed save, in milliseconds. */
export const RETRY_DELAY = 5000;
/** The prefix of storage keys for unsaved text: one draft for each call and tab. */
export const DRAFT_PREFIX = "airtel_ccp.note.";

const TAB_KEY = "airtel_ccp.tab";
/** The age from which on another tab's draft counts as abandoned, in milliseconds. */
const ABANDONED = 60000;
const MERGES = 5;

function tabId() {
    let id = browser.sessionStorage.getItem(TAB_KEY);
    if (!id) {
        id = Math.random().toString(36).slice(2);
        browser.sessionStorage.setItem(TAB_KEY, id);
    }
    return id;
}

/**
 * Merges the text of this tab with what another tab saved meanwhile.
 *
 * @param {string} theirs the server's note
 * @param {string} mine this tab's note
 * @param {string} seen the note from which this tab started
 * @returns {string}
 */
export function mergeNotes(theirs, mine, seen) {
    if (mine.includes(theirs)) {
        return mine;
    }
    const typed = (seen && mine.startsWith(seen) ? mine.slice(seen.length) : mine).trim();
    return theirs.includes(typed) ? theirs : `${theirs}\n${typed}`;
}

/**
 * Keeps the note of the panel's call: saves it while it is typed, and keeps a draft in the browser
 * until the server has it. Neither a reload, a lost connection nor a log-out loses text.
 */
export class NoteKeeper {
    /** @param {import("services").ServiceFactories["orm"]} orm */
    constructor(orm) {
        this.orm = orm;
        this.state = reactive({
            /** The call that the note is about. */
            callId: false,
            text: "",
            /** Why the note is not saved, in words. */
            problem: "",
        });
        /** The note that this tab last received from the server, or saved there. */
        this.seen = "";
        this.isTouched = false;
        this.isRestored = false;
        this.saving = null;
        browser.addEventListener("online", () => this.save());
    }

    get text() {
        return this.state.text;
    }

    get isDirty() {
        return Boolean(this.state.callId) && this.state.text !== this.seen;
    }

    get draftKey() {
        return `${DRAFT_PREFIX}${this.state.callId}.${tabId()}`;
    }

    /**
     * Shows the server's note of a call, unless something was typed here already.
     *
     * @param {{id: number, note: string}|null} call
     */
    follow(call) {
        if (call?.id !== this.state.callId) {
            browser.clearTimeout(this.timeout);
            Object.assign(this.state, { callId: call?.id ?? false, text: "", problem: "" });
            this.isTouched = false;
            this.seen = "";
            this.isRestored = false;
        }
        if (call && !this.isTouched) {
            this.seen = this.state.text = call.note;
            this.restore();
        }
    }

    /** Merges drafts of this call that were never saved. */
    restore() {
        if (!this.state.callId || this.isRestored) {
            return;
        }
        this.isRestored = true;
        const own = this.draftKey;
        const prefix = `${DRAFT_PREFIX}${this.state.callId}.`;
        const keys = Object.keys(browser.localStorage).filter((key) => key.startsWith(prefix));
        for (const key of keys) {
            const draft = JSON.parse(browser.localStorage.getItem(key));
            if (key !== own && Date.now() - draft.at < ABANDONED) {
                continue;
            }
            browser.localStorage.removeItem(key);
            if (draft.seen === this.seen && this.state.text === this.seen) {
                this.state.text = draft.text;
            } else {
                this.state.text = mergeNotes(this.state.text, draft.text, draft.seen);
            }
        }
        if (this.isDirty) {
            this.isTouched = true;
            this.keepDraft();
            this.saveLater(0);
        }
    }

    /** @param {string} text the note as it was typed */
    type(text) {
        this.isTouched = true;
        this.state.text = text;
        this.keepDraft();
        this.saveLater(SAVE_DELAY);
    }

    keepDraft() {
        if (this.isDirty) {
            const draft = { text: this.state.text, seen: this.seen, at: Date.now() };
            browser.localStorage.setItem(this.draftKey, JSON.stringify(draft));
        } else {
            browser.localStorage.removeItem(this.draftKey);
        }
    }

    saveLater(delay) {
        browser.clearTimeout(this.timeout);
        this.timeout = browser.setTimeout(() => this.save(), delay);
    }

    /**
     * Saves the note; two saves never overlap.
     *
     * @returns {Promise<boolean>} whether the server has all of it
     */
    async save() {
        browser.clearTimeout(this.timeout);
        while (this.saving) {
            await this.saving;
        }
        if (!this.isDirty) {
            return true;
        }
        this.saving = this.send();
        try {
            return await this.saving;
        } finally {
            this.saving = null;
        }
    }

    async send() {
        const { callId } = this.state;
        for (let round = 0; round < MERGES && this.isDirty; round++) {
            let answer;
            try {
                answer = await this.sendNote(callId, this.state.text, this.seen);
            } catch (error) {
                return this.fail(callId, error);
            }
            if (this.state.callId !== callId) {
                // The draft of the former call stays until it is saved
                return false;
            }
            if (!answer.saved) {
                this.state.text = mergeNotes(answer.note, this.state.text, this.seen);
            }
            this.seen = answer.note;
            this.keepDraft();
        }
        this.state.problem = "";
        if (this.isDirty) {
            this.saveLater(SAVE_DELAY);
        }
        return !this.isDirty;
    }

    sendNote(callId, text, seen) {
        return this.orm.silent.call("ccp.panel", "save_note", [callId, text, seen]);
    }

    fail(callId, error) {
        const sentence = sentenceOf(error);
        if (this.state.callId === callId) {
            const isLost = error instanceof ConnectionLostError;
            this.state.problem = isLost
                ? _t("Not saved yet: the connection is lost. This browser keeps what you typed.")
                : _t("Not saved yet. This browser keeps what you typed. %s", sentence ?? "");
            if (isLost || isSessionExpired(error)) {
                this.saveLater(RETRY_DELAY);
            }
        }
        if (sentence === undefined) {
            throw error;
        }
        return false;
    }

    /** Saves the drafts of calls that the panel no longer shows. */
    async saveOthers() {
        const ours = `${DRAFT_PREFIX}${this.state.callId}.`;
        for (const key of Object.keys(browser.localStorage)) {
            if (!key.startsWith(DRAFT_PREFIX) || key.startsWith(ours)) {
                continue;
            }
            const stored = browser.localStorage.getItem(key);
            const draft = JSON.parse(stored);
            const callId = Number(key.slice(DRAFT_PREFIX.length).split(".")[0]);
            if (!key.endsWith(`.${tabId()}`) && Date.now() - draft.at < ABANDONED) {
                continue;
            }
            try {
                let answer = await this.sendNote(callId, draft.text, draft.seen);
                if (!answer.saved) {
                    const merged = mergeNotes(answer.note, draft.text, draft.seen);
                    answer = await this.sendNote(callId, merged, answer.note);
                }
                if (answer.saved && browser.localStorage.getItem(key) === stored) {
                    browser.localStorage.removeItem(key);
                }
            } catch (error) {
                if (sentenceOf(error) === undefined) {
                    throw error;
                }
            }
        }
    }
}
