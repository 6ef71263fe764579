import { Component, useState } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { useService } from "@web/core/utils/hooks";

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

    get title() {
        return _t("Call %(number)s through Airtel", {
            number: this.props.record.data[this.props.fieldName],
        });
    }

    /** @param {MouseEvent} ev */
    async onClick(ev) {
        const isDoubleClick = ev.detail > 1;
        if (isDoubleClick || this.callState.placing) {
            return;
        }
        this.state.isPlacing = true;
        try {
            await this.calls.callRecord(this.props.record, this.props.fieldName);
        } finally {
            this.state.isPlacing = false;
        }
    }

    /** Keeps a list from opening the row when the focused button is pressed by key. */
    onKeydown(ev) {
        if (["Enter", " "].includes(ev.key)) {
            ev.stopPropagation();
        }
    }
}
