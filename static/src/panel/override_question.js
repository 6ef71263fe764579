import { Component, onMounted, useRef, useState } from "@odoo/owl";
import { Dialog } from "@web/core/dialog/dialog";

/** Asks for the reason to override a house rule, if the user has the right to. */
export class OverrideQuestion extends Component {
    static template = "airtel_ccp.OverrideQuestion";
    static components = { Dialog };
    static props = {
        override: { type: Object, shape: { sentence: String } },
        choose: Function,
        close: Function,
    };

    setup() {
        this.state = useState({ reason: "" });
        const reason = useRef("reason");
        onMounted(() => reason.el.focus());
    }

    /** The reason without blanks around it; "" as long as it is empty. */
    get reason() {
        return this.state.reason.trim();
    }

    call() {
        this.props.choose(this.reason);
        this.props.close();
    }
}
