import { Component, useState } from "@odoo/owl";
import { DateTimeInput } from "@web/core/datetime/datetime_input";
import { serializeDateTime } from "@web/core/l10n/dates";

/** Plans the next call: in an hour, tomorrow morning, or at a time that the user picks. */
export class FollowUp extends Component {
    static template = "airtel_ccp.FollowUp";
    static components = { DateTimeInput };
    static props = { plan: Function };

    setup() {
        this.state = useState({ isPicking: false, moment: false, isPlanning: false });
    }

    pick() {
        this.state.isPicking = !this.state.isPicking;
        this.state.moment = luxon.DateTime.now().plus({ days: 1 }).startOf("hour");
    }

    /** @param {string} when see `ccp.panel.follow_up` */
    async plan(when) {
        if (this.state.isPlanning) {
            return;
        }
        this.state.isPlanning = true;
        try {
            await this.props.plan(when);
        } finally {
            this.state.isPlanning = false;
        }
    }

    async planMoment() {
        await this.plan(serializeDateTime(this.state.moment));
        this.state.isPicking = false;
    }
}
