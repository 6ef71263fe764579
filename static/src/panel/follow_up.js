import { Component, onWillUnmount, useEffect, useRef, useState } from "@odoo/owl";
import { browser } from "@web/core/browser/browser";
import { DateTimeInput } from "@web/core/datetime/datetime_input";
import { serializeDateTime } from "@web/core/l10n/dates";
import { _t } from "@web/core/l10n/translation";

/** How often the proposed times are reloaded while the panel is open, in milliseconds. */
export const REFRESH_TIME = 300000;

/** Plans the next call, at a proposed time or one that the user picks; and can delete it. */
export class FollowUp extends Component {
    static template = "airtel_ccp.FollowUp";
    static components = { DateTimeInput };
    static props = {
        keeper: Object,
        isLive: Boolean,
        planned: { type: [Object, { value: false }] },
    };

    setup() {
        this.state = useState({ times: [], isPicking: false, moment: false, isPlanning: false });
        this.pickButton = useRef("pick");
        useEffect(
            () => {
                this.readTimes();
            },
            () => [this.props.isLive]
        );
        const interval = browser.setInterval(() => this.readTimes(), REFRESH_TIME);
        onWillUnmount(() => browser.clearInterval(interval));
    }

    async readTimes() {
        if (!document.hidden) {
            this.state.times = await this.props.keeper.times();
        }
    }

    /** @param {string} key */
    timeClass(key) {
        return key === "hour" ? "o_airtel_ccp_in_an_hour" : "o_airtel_ccp_tomorrow";
    }

    /** @param {string} label a moment in words */
    timeTitle(label) {
        return _t("Plan the next call: %s", label);
    }

    pick() {
        this.state.isPicking = !this.state.isPicking;
        this.state.moment = luxon.DateTime.now().plus({ days: 1 }).startOf("hour");
    }

    /**
     * Runs one request at a time, then reloads the call; a click meanwhile is run afterwards. The
     * button stays enabled, or it would lose the focus.
     *
     * @param {() => Promise<boolean>} request whether it changed something
     */
    async onlyOnce(request) {
        if (this.state.isPlanning) {
            return;
        }
        this.state.isPlanning = true;
        let hasChanged = false;
        try {
            hasChanged = await request();
        } finally {
            this.state.isPlanning = false;
        }
        if (hasChanged) {
            await this.props.keeper.read();
        }
    }

    /** @param {string} when see `ccp.panel.follow_up` */
    plan(when) {
        return this.onlyOnce(() => this.props.keeper.plan(when));
    }

    async planMoment() {
        if (!this.state.moment) {
            return;
        }
        await this.plan(serializeDateTime(this.state.moment));
        // Before the focused button disappears; the panel may show another call by now
        this.pickButton.el?.focus();
        this.state.isPicking = false;
    }

    takeBack() {
        this.pickButton.el.focus();
        return this.onlyOnce(() => this.props.keeper.takeBack());
    }
}
