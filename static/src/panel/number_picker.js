import { Component, onMounted, useRef, useState } from "@odoo/owl";
import { Dialog } from "@web/core/dialog/dialog";

/** Asks which of several numbers to call, and says whose each one is. */
export class NumberPicker extends Component {
    static template = "airtel_ccp.NumberPicker";
    static components = { Dialog };
    static props = {
        choices: {
            type: Array,
            element: {
                type: Object,
                shape: { key: String, owner: String, label: String, phone: String },
            },
        },
        choose: Function,
        close: Function,
    };

    setup() {
        this.state = useState({ key: this.props.choices[0].key });
        const first = useRef("first");
        onMounted(() => first.el.focus());
    }

    call() {
        this.props.choose(this.state.key);
        this.props.close();
    }
}
