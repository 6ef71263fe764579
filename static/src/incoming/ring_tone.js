import { browser } from "@web/core/browser/browser";

/** The browser's storage key of the ring's volume, from 0 (silent) to 100. */
export const VOLUME_KEY = "airtel_ccp.ring_volume";
const USUAL_VOLUME = 50;
const LOCK = "airtel_ccp.ring";
/** The tones of one ring, in seconds from its start: a short pair, as phones in India ring. */
const TONES = [
    [0, 0.4],
    [0.6, 1],
];
const FREQUENCIES = [400, 425];
/** Full volume of two tones at once, without distortion. */
const LOUDEST = 0.4;
/** How long a tone fades in and out, in seconds; otherwise it would click. */
const FADE = 0.02;

/** @returns {number} from 0 to 100 */
export function ringVolume() {
    const stored = Number.parseInt(browser.localStorage.getItem(VOLUME_KEY), 10);
    return Number.isNaN(stored) ? USUAL_VOLUME : Math.min(100, Math.max(0, stored));
}

/** @param {number} volume from 0 to 100 */
export function keepRingVolume(volume) {
    browser.localStorage.setItem(VOLUME_KEY, String(volume));
}

/** Plays the sound of a ring; browsers allow that after a click or key in the page. */
export class RingTone {
    /** Whether the browser lets this page make a sound. */
    get canSound() {
        const isActive = browser.navigator.userActivation?.hasBeenActive ?? true;
        return isActive && Boolean(window.AudioContext);
    }

    /**
     * Rings once.
     *
     * @param {number} volume from 0 to 100
     */
    ring(volume) {
        if (!volume || !this.canSound) {
            return;
        }
        this.context ??= new window.AudioContext();
        this.context.resume();
        const now = this.context.currentTime;
        for (const [from, to] of TONES) {
            const gain = this.context.createGain();
            const loud = (LOUDEST * volume) / 100;
            gain.gain.setValueAtTime(0, now + from);
            gain.gain.linearRampToValueAtTime(loud, now + from + FADE);
            gain.gain.setValueAtTime(loud, now + to - FADE);
            gain.gain.linearRampToValueAtTime(0, now + to);
            gain.connect(this.context.destination);
            for (const frequency of FREQUENCIES) {
                const tone = this.context.createOscillator();
                tone.frequency.value = frequency;
                tone.connect(gain);
                tone.start(now + from);
                tone.stop(now + to);
            }
        }
    }

    /** Ends the sound at once. */
    stop() {
        this.context?.close();
        this.context = undefined;
    }
}

/**
 * Chooses the one tab of a browser that rings. In browsers without locks (pages without HTTPS)
 * it is Odoo's main tab.
 */
export class RingTurn {
    /** @param {import("services").ServiceFactories["multi_tab"]} multiTab */
    constructor(multiTab) {
        this.multiTab = multiTab;
        this.release = null;
    }

    /** @returns {Promise<boolean>} whether it is this tab's turn to ring, until `end` is called */
    async take() {
        const { locks } = browser.navigator;
        if (!locks) {
            return this.multiTab.isOnMainTab();
        }
        if (this.release) {
            return true;
        }
        return new Promise((resolve) => {
            locks.request(LOCK, { ifAvailable: true }, (lock) => {
                resolve(Boolean(lock));
                return lock && new Promise((release) => (this.release = release));
            });
        });
    }

    /** Lets other tabs ring. */
    end() {
        this.release?.();
        this.release = null;
    }
}
