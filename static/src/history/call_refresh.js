import { status, useEffect } from "@odoo/owl";
import { browser } from "@web/core/browser/browser";
import { useService } from "@web/core/utils/hooks";
import { pick } from "@web/core/utils/objects";
import { BUS_MESSAGE } from "../call_service";

/** Leaders hear on this channel that calls of others changed. */
const CHANNEL = "airtel_ccp.live";
/** At most one reload in this time, however many calls change. */
export const PAUSE = 1000;

/** Whether the rows of a search that the reader began are still on their way. */
function isSearching({ props, model: { config } }) {
    const { domain, groupBy } = props;
    return (
        JSON.stringify(domain) !== JSON.stringify(config.domain) ||
        groupBy.length !== config.groupBy.length ||
        // The model adds the month to a date that has no interval
        groupBy.some((field, position) => !config.groupBy[position].startsWith(field))
    );
}

/**
 * Reads the rows of a list again, by the search that its reader asked for last.
 *
 * Until the rows of a new search come, the model knows the former search only, and would show it.
 *
 * @param {ListController} controller
 */
export async function reloadRows(controller) {
    const { model } = controller;
    // A page that is on its way comes first
    await model.mutex.getUnlockedDef();
    if (status(controller) !== "destroyed") {
        // Not sooner: a search that began meanwhile came with props of its own
        const search = pick(controller.props, "context", "domain", "groupBy", "orderBy");
        await model.load(isSearching(controller) ? search : {});
    }
}

/**
 * Reads a view of calls again when calls change, as long as it is shown.
 *
 * @param {() => Promise<void>} reload
 */
export function useCallRefresh(reload) {
    const bus = useService("bus_service");
    let timeout;
    const reloadSoon = () => {
        timeout ??= browser.setTimeout(
            () => {
                timeout = undefined;
                reload();
            },
            // All who hear of a change hear it at once: each asks at a moment of its own
            PAUSE * (0.5 + Math.random() / 2)
        );
    };
    // Two functions: the bus forgets the first subscription of one that subscribes twice
    const onOwnCall = () => reloadSoon();
    const onLiveCall = () => reloadSoon();
    // Not sooner: what is set up may be dropped before it is shown, and nothing would tell
    useEffect(
        () => {
            bus.subscribe(BUS_MESSAGE, onOwnCall);
            bus.subscribe(CHANNEL, onLiveCall);
            bus.addChannel(CHANNEL);
            return () => {
                browser.clearTimeout(timeout);
                bus.unsubscribe(BUS_MESSAGE, onOwnCall);
                bus.unsubscribe(CHANNEL, onLiveCall);
                bus.deleteChannel(CHANNEL);
            };
        },
        () => []
    );
}
