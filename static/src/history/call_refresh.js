import { onWillUnmount } from "@odoo/owl";
import { browser } from "@web/core/browser/browser";
import { useService } from "@web/core/utils/hooks";
import { BUS_MESSAGE } from "../call_service";

/** Leaders hear on this channel that calls of others changed. */
const CHANNEL = "airtel_ccp.live";
/** At most one reload in this time, however many calls change. */
export const PAUSE = 1000;

/**
 * Reads a view of calls again when calls change.
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
    bus.subscribe(BUS_MESSAGE, reloadSoon);
    bus.subscribe(CHANNEL, reloadSoon);
    bus.addChannel(CHANNEL);
    onWillUnmount(() => {
        browser.clearTimeout(timeout);
        bus.unsubscribe(BUS_MESSAGE, reloadSoon);
        bus.unsubscribe(CHANNEL, reloadSoon);
        bus.deleteChannel(CHANNEL);
    });
}
