import { Component, onMounted, useState } from "@odoo/owl";
import { browser } from "@web/core/browser/browser";
import { formatDate } from "@web/core/l10n/dates";
import { _t } from "@web/core/l10n/translation";
import { useService } from "@web/core/utils/hooks";
import { CallClock } from "../panel/call_clock";
import { DialButton, INERT_TIME } from "../panel/dial_button";
import { CallerChoices } from "./caller_choices";
import { keyOf } from "./incoming_calls";

/** One incoming call: who calls, whom it rings, why, and what the user can do. */
export class IncomingCard extends Component {
    static template = "airtel_ccp.IncomingCard";
    static components = { CallClock, CallerChoices, DialButton };
    static props = {
        entry: Object,
        /** Whether it shows all details, or one line. */
        isWhole: Boolean,
    };

    setup() {
        this.calls = useService("airtel_ccp.call");
        this.incoming = this.calls.incoming;
        this.state = useState(this.incoming.state);
        this.inert = useState({ isInert: true });
        // It appears suddenly, maybe below a pointer that is about to click
        onMounted(() => browser.setTimeout(() => (this.inert.isInert = false), INERT_TIME));
    }

    get entry() {
        return this.props.entry;
    }

    get elementId() {
        return `o_airtel_ccp_incoming_${this.entry.uid}`;
    }

    get ownState() {
        return this.incoming.ownState(this.entry);
    }

    get look() {
        const { live, mine } = this.entry;
        if (mine) {
            return { color: "success", icon: "fa-volume-control-phone" };
        }
        if (live && ["rings", "waits"].includes(this.ownState)) {
            return { color: "primary", icon: "fa-phone" };
        }
        const isMissed = !live && this.entry.result !== "connected";
        return { color: isMissed ? "warning" : "secondary", icon: "fa-phone" };
    }

    get title() {
        const { customer, known, phone } = this.entry;
        if (customer) {
            return customer;
        }
        if (known === false) {
            return _t("Unknown number");
        }
        return phone || _t("Number withheld");
    }

    /** The record that the call is about, unless title or reason name it already. */
    get about() {
        const { reason_text, record_name } = this.entry;
        const isNamed = record_name === this.title || reason_text?.includes(record_name);
        return isNamed ? "" : record_name;
    }

    /** Why it was put through; a record's name in it that can be opened is returned separately. */
    get reason() {
        const { can_open, reason_text, record_name } = this.entry;
        const start = can_open && record_name ? reason_text.indexOf(record_name) : -1;
        if (start < 0) {
            return { before: reason_text, name: "", after: "" };
        }
        return {
            before: reason_text.slice(0, start),
            name: record_name,
            after: reason_text.slice(start + record_name.length),
        };
    }

    get isTalking() {
        const { answer, mine, state } = this.entry;
        return mine && state === "in_call" && Boolean(answer);
    }

    get isMissed() {
        return !this.entry.live && !this.entry.mine && this.entry.result !== "connected";
    }

    /** Whether the user may choose the call's record: not once a colleague took the call. */
    get canChoose() {
        const { id, mine, result, state } = this.entry;
        const isTaken = state === "in_call" || result === "connected";
        return Boolean(id) && (mine || !isTaken);
    }

    get backTitle() {
        return _t("Call back: %s", this.title);
    }

    /** The previous call, in one line. */
    get lastLine() {
        const { last } = this.entry;
        if (!last) {
            return "";
        }
        return _t("Last call %(date)s: %(result)s", {
            date: formatDate(luxon.DateTime.fromMillis(last.date)),
            result: [last.result, last.outcome].filter(Boolean).join(", "),
        });
    }

    get problem() {
        const { key, text } = this.state.problem;
        return key === keyOf(this.entry) ? text : "";
    }

    /** @param {() => any} act what a click does once the card has been there for a moment */
    once(act) {
        return this.inert.isInert ? undefined : act();
    }

    hide() {
        return this.once(() => this.incoming.hide(this.entry));
    }

    openRecord() {
        return this.once(() => this.incoming.open(this.entry));
    }

    /** Shows the call in the panel's own place, with note and outcome. */
    showInPanel() {
        return this.once(() => this.calls.openCall(this.entry.id));
    }

    callBack() {
        return this.calls.call(this.entry.res_model, this.entry.res_id);
    }
}
