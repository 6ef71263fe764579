import { Component, onMounted, useRef } from "@odoo/owl";
import { Dialog } from "@web/core/dialog/dialog";

/** Asks whether a number that may belong to another country is meant as an Indian one. */
export class DoubtQuestion extends Component {
    static template = "airtel_ccp.DoubtQuestion";
    static components = { Dialog };
    static props = {
        doubtful: { type: Object, shape: { sentence: String, number: String } },
        choose: Function,
        close: Function,
    };

    setup() {
        const cancel = useRef("cancel");
        onMounted(() => cancel.el.focus());
    }

    /** The number as it will be dialled, easy to compare. */
    get number() {
        const { number } = this.props.doubtful;
        return `+91 ${number.slice(0, 5)} ${number.slice(5)}`;
    }

    call() {
        this.props.choose(this.props.doubtful.number);
        this.props.close();
    }
}
