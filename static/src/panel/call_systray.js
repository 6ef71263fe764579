import { Component, useState } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { useService } from "@web/core/utils/hooks";
import { lookOf } from "./call_panel";

/** Shows the call's state in the top bar; a click shows or minimises the panel. */
export class CallSystray extends Component {
    static template = "airtel_ccp.CallSystray";
    static props = {};

    setup() {
        this.calls = useService("airtel_ccp.call");
        this.state = useState(this.calls.state);
    }

    get isShown() {
        return Boolean(this.state.current || this.state.list.waiting);
    }

    get look() {
        return lookOf(this.state.current);
    }

    get title() {
        const { current, list } = this.state;
        if (current) {
            return current.message;
        }
        return list.next
            ? _t("Next on your call list: %s", list.next.name)
            : _t("Nobody on your call list is due now");
    }

    toggle() {
        if (this.state.minimised) {
            this.calls.show();
        } else {
            this.calls.minimise();
        }
    }
}
