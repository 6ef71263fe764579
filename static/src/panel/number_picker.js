import { Component, onMounted, useRef, useState } from "@odoo/owl";
import { Dialog } from "@web/core/dialog/dialog";

/**
 * Asks which of several numbers to call, and shows whose they are; also asks whether to record
 * the call, if the call flow leaves that to the rep.
 */
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
        record: {
            type: Object,
            shape: { default: Boolean, announced: Boolean },
            optional: true,
        },
        choose: Function,
        close: Function,
    };

    setup() {
        this.state = useState({
            key: this.props.choices[0].key,
            record: this.props.record?.default,
        });
        const first = useRef("first");
        onMounted(() => first.el.focus());
    }

    call() {
        this.props.choose({ key: this.state.key, record: this.state.record });
        this.props.close();
    }
}
