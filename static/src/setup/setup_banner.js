import { Component } from "@odoo/owl";
import { useService } from "@web/core/utils/hooks";
import { session } from "@web/session";

/** Shows an administrator that the company cannot call yet, and leads to the set-up. */
export class SetupBanner extends Component {
    static template = "airtel_ccp.SetupBanner";
    static props = {};

    setup() {
        this.action = useService("action");
        this.isNeeded = Boolean(session.airtel_ccp?.setup_needed);
    }

    open() {
        return this.action.doAction("airtel_ccp.action_ccp_setup");
    }
}
