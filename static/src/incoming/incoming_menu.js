import { Component, useState } from "@odoo/owl";
import { Dropdown } from "@web/core/dropdown/dropdown";
import { useDropdownState } from "@web/core/dropdown/dropdown_hooks";
import { formatDateTime } from "@web/core/l10n/dates";
import { _t } from "@web/core/l10n/translation";
import { useService } from "@web/core/utils/hooks";
import { RingTone, keepRingVolume, ringVolume } from "./ring_tone";

/** The durations of being away that a click can choose, in minutes. */
const AWAY_MINUTES = [15, 30, 60, 120];

/** The top bar's menu for incoming calls: call-backs, being away, the ring. */
export class IncomingMenu extends Component {
    static template = "airtel_ccp.IncomingMenu";
    static components = { Dropdown };
    static props = {};

    setup() {
        this.calls = useService("airtel_ccp.call");
        this.action = useService("action");
        this.incoming = useState(this.calls.incoming.state);
        this.permission = useState(useService("mail.notification.permission"));
        this.dropdown = useDropdownState({ onOpen: () => this.calls.load() });
        this.tone = new RingTone();
        this.state = useState({ volume: ringVolume(), time: "" });
        this.minutes = AWAY_MINUTES;
    }

    get isAway() {
        return Boolean(this.incoming.awayUntil);
    }

    /** Until when the user is away: a time, and the date unless it is today. */
    get awayText() {
        const until = luxon.DateTime.fromMillis(this.incoming.awayUntil);
        const isToday = until.hasSame(luxon.DateTime.now(), "day");
        return isToday ? until.toLocaleString(luxon.DateTime.TIME_SIMPLE) : formatDateTime(until);
    }

    get title() {
        const { callbacks } = this.incoming;
        const away = this.isAway ? this.awayLabel : _t("Incoming calls");
        return callbacks ? _t("%(away)s. Call-backs: %(callbacks)s", { away, callbacks }) : away;
    }

    get awayLine() {
        return this.isAway
            ? _t("Away until %s: incoming calls do not ring you.", this.awayText)
            : _t("Do not ring me for");
    }

    get callbacksLine() {
        return _t("Call-backs: %s", this.incoming.callbacks);
    }

    get awayLabel() {
        return _t("Away until %s", this.awayText);
    }

    /** @param {number} minutes */
    labelOf(minutes) {
        return minutes < 60 ? _t("%s minutes", minutes) : _t("%s h", minutes / 60);
    }

    /** @param {number} minutes see `ccp.panel.set_away` */
    async setAway(minutes) {
        await this.calls.incoming.setAway(minutes);
        if (!this.calls.incoming.state.problem.text) {
            this.dropdown.close();
        }
    }

    /** Sets the user away until the entered time, today's or tomorrow's if that has passed. */
    async setAwayUntil() {
        const [hour, minute] = this.state.time.split(":").map(Number);
        if (Number.isNaN(hour) || Number.isNaN(minute)) {
            return;
        }
        const now = luxon.DateTime.now();
        const today = now.set({ hour, minute, second: 0, millisecond: 0 });
        const until = today > now ? today : today.plus({ days: 1 });
        await this.setAway(Math.ceil(until.diff(now, "minutes").minutes));
    }

    openCallbacks() {
        this.dropdown.close();
        return this.action.doAction("airtel_ccp.action_ccp_callback");
    }

    /** @param {Event} ev */
    onVolume(ev) {
        this.state.volume = Number(ev.target.value);
        keepRingVolume(this.state.volume);
    }

    tryTone() {
        this.tone.stop();
        this.tone.ring(this.state.volume);
    }
}
