import { Component, useState } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { useService } from "@web/core/utils/hooks";
import { isPanelShown } from "../panel/panel_shown";
import { IncomingList } from "./incoming_list";

/** Shows incoming calls above the page while the panel is hidden; screen readers announce them. */
export class IncomingPopup extends Component {
    static template = "airtel_ccp.IncomingPopup";
    static components = { IncomingList };
    static props = {};

    setup() {
        this.calls = useService("airtel_ccp.call");
        this.state = useState(this.calls.incoming.state);
        this.panel = useState(this.calls.state);
    }

    get isShown() {
        const entries = this.calls.incoming.shown(this.state, this.panel);
        return Boolean(entries.length) && !isPanelShown(this.panel);
    }

    /** What a screen reader announces of the first call, whatever has the focus. */
    get announcement() {
        const [entry] = this.calls.incoming.shown(this.state, this.panel);
        if (!entry) {
            return "";
        }
        const who = entry.customer || entry.phone || _t("Number withheld");
        return _t("Incoming call from %(who)s: %(how)s", { who, how: entry.message });
    }
}
