import { Component, onMounted, useRef, useState } from "@odoo/owl";
import { browser } from "@web/core/browser/browser";
import { Dialog } from "@web/core/dialog/dialog";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";

/** The storage key for the rep's answer for later calls of this tab: `yes` or `no`. */
export const RECORDING_KEY = "airtel_ccp.recording";

/**
 * Returns the answer that the rep gave for all calls of this tab.
 *
 * @returns {boolean|undefined} undefined when the rep wants to be asked
 */
export function rememberedRecording() {
    return { yes: true, no: false }[browser.sessionStorage.getItem(RECORDING_KEY)];
}

/** Asks whether to record a call, if the call flow leaves that to the rep. */
export class RecordingQuestion extends Component {
    static template = "airtel_ccp.RecordingQuestion";
    static components = { Dialog };
    static props = {
        record: { type: Object, shape: { default: Boolean, announced: Boolean } },
        choose: Function,
        close: Function,
    };

    setup() {
        this.state = useState({ remember: false });
        const first = useRef("first");
        onMounted(() => first.el.focus());
    }

    /** The answers, the flow's own first. */
    get answers() {
        const answers = [
            { record: true, label: _t("Record and call") },
            { record: false, label: _t("Call without recording") },
        ];
        return this.props.record.default ? answers : answers.reverse();
    }

    /** @param {boolean} record */
    choose(record) {
        if (this.state.remember) {
            browser.sessionStorage.setItem(RECORDING_KEY, record ? "yes" : "no");
        }
        this.props.choose(record);
        this.props.close();
    }
}

registry.category("user_menuitems").add("airtel_ccp.recording", () => ({
    type: "item",
    id: "airtel_ccp_recording",
    description: _t("Ask again whether to record calls"),
    show: () => rememberedRecording() !== undefined,
    callback: () => browser.sessionStorage.removeItem(RECORDING_KEY),
    sequence: 56,
}));
