import { browser } from "@web/core/browser/browser";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";

/** How long the typing must pause before the server is asked, in milliseconds. */
export const FIND_DELAY = 200;
const SHORTEST = 2;

let lastTyped = 0;

/**
 * Finds whom to call from what was typed into the command palette, such as "call priya".
 *
 * @param {import("@web/env").OdooEnv} env
 * @param {{searchValue?: string}} options
 * @returns {Promise<Object[]>} commands
 */
export async function provideCalls(env, { searchValue = "" } = {}) {
    const calls = env.services["airtel_ccp.call"];
    const typed = ++lastTyped;
    const [word, ...rest] = searchValue.trim().split(/\s+/);
    const name = rest.join(" ");
    const asksForCall = [_t("Call").toLowerCase(), "call"].includes(word.toLowerCase());
    if (!calls.canCall || !asksForCall || name.length < SHORTEST) {
        return [];
    }
    await new Promise((resolve) => browser.setTimeout(resolve, FIND_DELAY));
    if (typed !== lastTyped) {
        return [];
    }
    const found = await env.services.orm.silent.call("ccp.panel", "find", [name]);
    return found.map((each) => ({
        category: "default",
        // Begins with the typed text, because the palette drops any other command
        name: `${word} ${each.name}, ${each.phone}`,
        action: () => {
            calls.call(each.res_model, each.res_id);
        },
    }));
}

registry.category("command_provider").add("airtel_ccp.call", { provide: provideCalls });
