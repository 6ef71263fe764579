import { Component, useState } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { useService } from "@web/core/utils/hooks";
import { IncomingCard } from "./incoming_card";

/** How many calls are shown at once. */
const MOST = 3;

/** The incoming calls beside the call in the panel; the first one with all its details. */
export class IncomingList extends Component {
    static template = "airtel_ccp.IncomingList";
    static components = { IncomingCard };
    static props = {};

    setup() {
        this.calls = useService("airtel_ccp.call");
        this.state = useState(this.calls.incoming.state);
        this.panel = useState(this.calls.state);
    }

    get entries() {
        return this.calls.incoming.shown(this.state, this.panel);
    }

    get some() {
        return this.entries.slice(0, MOST);
    }

    get more() {
        const count = this.entries.length - MOST;
        return count > 0 ? _t("%s more calls are ringing", count) : "";
    }
}
