import { Component, onWillUnmount, useState, xml } from "@odoo/owl";
import { browser } from "@web/core/browser/browser";

/**
 * @param {number} seconds
 * @returns {string} minutes and seconds such as 02:35, or with hours
 */
export function formatSeconds(seconds) {
    const two = (value) => String(value).padStart(2, "0");
    const minutes = Math.floor(seconds / 60);
    const rest = two(seconds % 60);
    return minutes < 60
        ? `${two(minutes)}:${rest}`
        : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${rest}`;
}

/** Shows the time since a moment, by the server's clock. */
export class CallClock extends Component {
    static template = xml`<bdi dir="ltr" class="o_airtel_ccp_clock" role="timer" aria-live="off" t-esc="text"/>`;
    static props = {
        since: Number,
        offset: Number,
    };

    setup() {
        this.state = useState({ now: Date.now() });
        const interval = browser.setInterval(() => (this.state.now = Date.now()), 1000);
        onWillUnmount(() => browser.clearInterval(interval));
    }

    get text() {
        const passed = this.state.now + this.props.offset - this.props.since;
        return formatSeconds(Math.max(0, Math.floor(passed / 1000)));
    }
}
