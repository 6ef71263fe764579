import { Component } from "@odoo/owl";
import { browser } from "@web/core/browser/browser";
import { Dialog } from "@web/core/dialog/dialog";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";

/** The browser's storage key for how the user of this phone calls: `airtel` or `device`. */
export const DIAL_CHOICE_KEY = "airtel_ccp.dial_choice";

/** Asks on a phone whether to call through Airtel or with the phone's own dialler. */
export class DialChoice extends Component {
    static template = "airtel_ccp.DialChoice";
    static components = { Dialog };
    static props = { choose: Function, close: Function };

    /** @param {"airtel"|"device"} choice */
    choose(choice) {
        browser.localStorage.setItem(DIAL_CHOICE_KEY, choice);
        this.props.choose(choice);
        this.props.close();
    }
}

/**
 * Returns how the user of this phone wants to call; asks if that was not answered before.
 *
 * @param {import("@web/env").OdooEnv} env
 * @returns {Promise<"airtel"|"device"|null>} null when the user closed the question
 */
export async function chooseDial(env) {
    return browser.localStorage.getItem(DIAL_CHOICE_KEY) ?? (await askDial(env));
}

function askDial(env) {
    return new Promise((resolve) => {
        env.services.dialog.add(DialChoice, { choose: resolve }, { onClose: () => resolve(null) });
    });
}

registry.category("user_menuitems").add("airtel_ccp.dial_choice", (env) => ({
    type: "item",
    id: "airtel_ccp_dial_choice",
    description: _t("How this phone calls"),
    show: () => env.isSmall && env.services["airtel_ccp.call"].canCall,
    callback: () => askDial(env),
    sequence: 55,
}));
