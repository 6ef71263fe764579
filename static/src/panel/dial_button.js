import { Component, useEffect, useState } from "@odoo/owl";
import { browser } from "@web/core/browser/browser";
import { useService } from "@web/core/utils/hooks";

/** How long a button that dials is inert after it appears or changes its target, in milliseconds.
 */
export const INERT_TIME = 1000;

/**
 * A button that dials. It is inert for a moment after it appears, becomes enabled or changes its
 * target, so a click or key that was meant for something else calls nobody. Meanwhile it keeps
 * the focus.
 */
export class DialButton extends Component {
    static template = "airtel_ccp.DialButton";
    static props = {
        class: String,
        /** The button's text. */
        label: String,
        /** The button's name for screen readers. */
        title: String,
        /** Whom the button dials: when this changes, it is inert again. */
        target: [String, Number],
        isOff: { type: Boolean, optional: true },
        dial: Function,
    };
    static defaultProps = { isOff: false };

    setup() {
        this.calls = useState(useService("airtel_ccp.call").state);
        this.state = useState({ readyFor: null });
        useEffect(
            (meaning) => {
                const timeout = browser.setTimeout(
                    () => (this.state.readyFor = meaning),
                    INERT_TIME
                );
                return () => {
                    browser.clearTimeout(timeout);
                    this.state.readyFor = null;
                };
            },
            () => [this.meaning]
        );
    }

    /** A key of what a click does now; a click counts only if the button was ready for it. */
    get meaning() {
        return this.props.isOff ? "nothing" : String(this.props.target);
    }

    get isInert() {
        return this.props.isOff || this.state.readyFor !== this.meaning || this.calls.placing;
    }

    /** @param {MouseEvent} ev */
    onClick(ev) {
        const isDoubleClick = ev.detail > 1;
        if (!this.isInert && !isDoubleClick) {
            this.props.dial();
        }
    }
}
