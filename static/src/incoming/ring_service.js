import { effect } from "@web/core/utils/reactive";
import { browser } from "@web/core/browser/browser";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { RingTone, RingTurn, ringVolume } from "./ring_tone";

/** The time between two rings, in milliseconds. */
export const RING_PAUSE = 3000;
/** How often the title of a background tab changes, in milliseconds. */
export const TITLE_PAUSE = 1000;
/** How long a call rings in the browser at most, in milliseconds. */
export const RINGS_FOR = 60000;
const ICON = "/airtel_ccp/static/description/icon.png";

/**
 * Signals a ringing call outside of the page: with a sound in one tab, in the title of background
 * tabs, and with a notification of the browser.
 */
export class Ring {
    /**
     * @param {import("../call_service").CallService} calls
     * @param {Object} services
     */
    constructor(calls, { multi_tab, title, "mail.out_of_focus": outOfFocus }) {
        this.calls = calls;
        this.multiTab = multi_tab;
        this.title = title;
        this.outOfFocus = outOfFocus;
        this.tone = new RingTone();
        this.turn = new RingTurn(multi_tab);
        /** The call that rings now, or null. */
        this.entry = null;
        if (calls.canCall) {
            effect(
                (state, panel) => this.update(state, panel),
                [calls.incoming.state, calls.state]
            );
        }
    }

    /** @returns {import("./incoming_calls").IncomingCall|undefined} the call that rings the user */
    ringing(state, panel) {
        const { incoming } = this.calls;
        return incoming.shown(state, panel).find((entry) => {
            const own = incoming.ownState(entry);
            // If Airtel reports no ringing, the decision says whose phone rings
            const { at_once, ringing } = entry;
            const isNext =
                ringing.every((each) => each.state === "waits") &&
                incoming.ownState({ ringing: at_once ? ringing : ringing.slice(0, 1) });
            return entry.live && !entry.mine && (own === "rings" || isNext);
        });
    }

    update(state, panel) {
        const entry = this.ringing(state, panel);
        const wasRinging = this.entry;
        this.entry = entry ?? null;
        if (entry && entry.uid !== wasRinging?.uid) {
            this.begin(entry);
        } else if (!entry && wasRinging) {
            this.end();
        }
        if (entry?.customer && this.notice && !this.notice.named) {
            this.notify(entry);
        }
    }

    /** @param {import("./incoming_calls").IncomingCall} entry */
    begin(entry) {
        this.end();
        this.since = Date.now();
        this.sound();
        this.showTitle(true);
        this.notify(entry);
    }

    end() {
        browser.clearTimeout(this.soundTimeout);
        browser.clearTimeout(this.titleTimeout);
        this.tone.stop();
        this.turn.end();
        // Odoo sets the title again
        this.title.setParts({});
        this.notice?.close();
        this.notice = null;
    }

    /** Whether the user sees this page. */
    get isLookedAt() {
        return !document.hidden && document.hasFocus();
    }

    get isOver() {
        return !this.entry || Date.now() - this.since > RINGS_FOR;
    }

    /** Rings if no other tab does, and again after a pause. */
    async sound() {
        browser.clearTimeout(this.soundTimeout);
        if (this.isOver) {
            return;
        }
        const { entry } = this;
        const volume = ringVolume();
        if (volume && this.tone.canSound && (await this.turn.take()) && this.entry) {
            this.tone.ring(volume);
        }
        if (this.entry?.uid === entry.uid) {
            this.soundTimeout = browser.setTimeout(() => this.sound(), RING_PAUSE);
        } else if (!this.entry) {
            this.turn.end();
        }
    }

    /**
     * Shows the caller in the title of a background tab, alternating with Odoo's title.
     *
     * @param {boolean} isCall
     */
    showTitle(isCall) {
        browser.clearTimeout(this.titleTimeout);
        if (this.isOver || !isCall || this.isLookedAt) {
            this.title.setParts({});
        } else {
            document.title = this.sentence;
        }
        if (!this.isOver) {
            this.titleTimeout = browser.setTimeout(() => this.showTitle(!isCall), TITLE_PAUSE);
        }
    }

    get sentence() {
        const { customer, phone } = this.entry;
        return _t("Call from %s", customer || phone || _t("withheld number"));
    }

    /**
     * Shows a notification of the browser while no tab of Odoo is visible, unless Odoo's web push
     * shows one.
     *
     * @param {import("./incoming_calls").IncomingCall} entry
     */
    async notify(entry) {
        const { Notification } = browser;
        if (
            Notification?.permission !== "granted" ||
            this.isLookedAt ||
            !(await this.multiTab.isOnMainTab()) ||
            (await this.outOfFocus.hasServiceWorkInstalledAndPushSubscriptionActive()) ||
            this.entry?.uid !== entry.uid
        ) {
            return;
        }
        this.notice?.close();
        // The caller's name may be known by now
        const { customer, message, pair, reason_text } = this.entry;
        try {
            // The tag replaces the notification without a name by the one with a name
            this.notice = new Notification(this.sentence, {
                body: [message, reason_text].filter(Boolean).join("\n"),
                icon: ICON,
                tag: `airtel_ccp.${pair}`,
                silent: true,
            });
        } catch {
            // Chrome on Android has notifications by web push only
            return;
        }
        this.notice.named = Boolean(customer);
        this.notice.addEventListener("click", () => {
            window.focus();
            this.notice?.close();
        });
    }
}

export const ringService = {
    dependencies: ["airtel_ccp.call", "mail.out_of_focus", "multi_tab", "title"],
    start(env, { "airtel_ccp.call": calls, ...services }) {
        return new Ring(calls, services);
    },
};

registry.category("services").add("airtel_ccp.ring", ringService);
