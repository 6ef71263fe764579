import { status, useEffect } from "@odoo/owl";
import { browser } from "@web/core/browser/browser";
import { useService } from "@web/core/utils/hooks";
import { pick } from "@web/core/utils/objects";
import { BUS_MESSAGE } from "../call_service";

/** Bus channel: notifies leaders that calls of others changed. */
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
        // Read after waiting: a search that began meanwhile came with new props
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
            // All browsers are notified at once; a random pause spreads their requests
            PAUSE * (0.5 + Math.random() / 2)
        );
    };
    // Two functions: the bus forgets the first subscription of one that subscribes twice
    const onOwnCall = () => reloadSoon();
    const onLiveCall = () => reloadSoon();
    // In an effect: a component dropped before it is mounted would never unsubscribe
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
