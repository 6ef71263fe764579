import { browser } from "@web/core/browser/browser";

/** The bus message that the user's call list changed, in any tab. */
export const LIST_MESSAGE = "airtel_ccp.list";
/** The same message inside this tab, on the environment's bus. */
export const LIST_CHANGED = "AIRTEL_CCP:LIST-CHANGED";
/** How long to wait for further changes of the call list, in milliseconds. */
export const LIST_DELAY = 200;

/** The next entry of the user's call list, kept up to date with the list's page and other tabs. */
export class CallList {
    /** @param {import("../call_service").CallService} calls */
    constructor(calls) {
        this.calls = calls;
    }

    /** Reloads the call list, once for several changes. */
    onChanged() {
        browser.clearTimeout(this.timeout);
        this.timeout = browser.setTimeout(() => {
            this.calls.load();
            this.calls.env.bus.trigger(LIST_CHANGED);
        }, LIST_DELAY);
    }

    /** Calls the next entry of the call list. */
    callNext() {
        const { next } = this.calls.state.list;
        return this.calls.call(next.res_model, next.res_id, null, next.id);
    }

    /** @param {"action_skip"|"action_again"} method what to do with the head of the call list */
    async moveNext(method) {
        const { next } = this.calls.state.list;
        if ((await this.calls.request("ccp.call.list.item", method, [[next.id]])) !== undefined) {
            await this.calls.load();
            this.calls.env.bus.trigger(LIST_CHANGED);
            if (!this.calls.state.list.next) {
                this.calls.focus(".o_airtel_ccp_list");
            }
        }
    }
}
