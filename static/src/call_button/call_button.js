import { Component, useState } from "@odoo/owl";
import { browser } from "@web/core/browser/browser";
import { _t } from "@web/core/l10n/translation";
import { useService } from "@web/core/utils/hooks";
import { chooseDial } from "./dial_choice";

/** Calls the number in a phone field of a record. */
export class CallButton extends Component {
    static template = "airtel_ccp.CallButton";
    static props = {
        record: Object,
        fieldName: String,
        iconOnly: { type: Boolean, optional: true },
    };
    static defaultProps = { iconOnly: false };

    setup() {
        this.calls = useService("airtel_ccp.call");
        this.callState = useState(this.calls.state);
        this.state = useState({ isPlacing: false });
    }

    get number() {
        return this.props.record.data[this.props.fieldName];
    }

    get isLive() {
        return Boolean(this.callState.current?.live);
    }

    get title() {
        if (this.isLive) {
            return _t(
                "You are in a call with %s: end it before the next one.",
                this.callState.current.customer
            );
        }
        return _t("Call %(number)s through Airtel", { number: this.number });
    }

    /** @param {MouseEvent} ev */
    async onClick(ev) {
        const isDoubleClick = ev.detail > 1;
        if (isDoubleClick || this.callState.placing || this.state.isPlacing) {
            return;
        }
        if (this.isLive) {
            this.calls.show();
            return;
        }
        this.state.isPlacing = true;
        try {
            await this.dial();
        } finally {
            this.state.isPlacing = false;
        }
    }

    async dial() {
        const choice = this.env.isSmall ? await chooseDial(this.env) : "airtel";
        if (choice === "airtel") {
            await this.calls.callRecord(this.props.record, this.props.fieldName);
        } else if (choice === "device") {
            browser.location.assign(`tel:${this.number.replace(/\s+/g, "")}`);
        }
    }

    /** Keeps a list from opening the row when a key presses the focused button. */
    onKeydown(ev) {
        if (["Enter", " "].includes(ev.key)) {
            ev.stopPropagation();
        }
    }
}
