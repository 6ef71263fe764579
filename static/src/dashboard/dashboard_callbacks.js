import { Component } from "@odoo/owl";

/** Open call-backs, and how fast teams call back. */
export class DashboardCallbacks extends Component {
    static template = "airtel_ccp.DashboardCallbacks";
    static props = {
        /** The call-backs in the result of `ccp.dashboard.figures`. */
        callbacks: Object,
        /** Returns a figure as the dashboard shows it. */
        format: Function,
        /** Opens the records behind a figure. */
        open: Function,
    };

    get isEmpty() {
        return !this.props.callbacks.teams.length;
    }

    open(figure, title) {
        return this.props.open(figure, title, "ccp.callback");
    }
}
