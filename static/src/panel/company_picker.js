import { Component, onMounted, useRef } from "@odoo/owl";
import { Dialog } from "@web/core/dialog/dialog";

/** Asks which company places a call, if the record belongs to none. */
export class CompanyPicker extends Component {
    static template = "airtel_ccp.CompanyPicker";
    static components = { Dialog };
    static props = {
        companies: {
            type: Array,
            element: { type: Object, shape: { id: Number, name: String } },
        },
        choose: Function,
        close: Function,
    };

    setup() {
        const first = useRef("first");
        onMounted(() => first.el.focus());
    }

    /** @param {number} companyId */
    choose(companyId) {
        this.props.choose(companyId);
        this.props.close();
    }
}
