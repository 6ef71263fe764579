import { status, useEffect } from "@odoo/owl";
import { browser } from "@web/core/browser/browser";
import { useService } from "@web/core/utils/hooks";
import { pick } from "@web/core/utils/objects";
import { BUS_MESSAGE } from "../call_service";

/** The bus channel that notifies leaders of changes to others' calls. */
const CHANNEL = "airtel_ccp.live";
/** The shortest time between two reloads, however many calls change, in milliseconds. */
export const PAUSE = 1000;

/** Returns whether the rows of a search that the reader began have not arrived yet. */
function isSearching({ props, model: { config } }) {
    const { domain, groupBy } = props;
    return (
        JSON.stringify(domain) !== JSON.stringify(config.domain) ||
        groupBy.length !== config.groupBy.length ||
        // The model adds the month to a date without an interval
        groupBy.some((field, position) => !config.groupBy[position].startsWith(field))
    );
}

/**
 * Reloads the rows of a list, with the search that its reader asked for last.
 *
 * Until the rows of a new search arrive, the model only knows the former one and would show it.
 *
 * @param {ListController} controller
 */
export async function reloadRows(controller) {
    const { model } = controller;
    // Wait for a page that is being loaded
    await model.mutex.getUnlockedDef();
    if (status(controller) !== "destroyed") {
        // Read after waiting, because a search that began meanwhile came with new props
        const search = pick(controller.props, "context", "domain", "groupBy", "orderBy");
        await model.load(isSearching(controller) ? search : {});
    }
}

/**
 * Reloads a view of calls when calls change, as long as it is shown.
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
    // Two functions: if one function subscribes twice, the bus forgets its first subscription
    const onOwnCall = () => reloadSoon();
    const onLiveCall = () => reloadSoon();
    // In an effect: a component that is dropped before it is mounted would never unsubscribe
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
