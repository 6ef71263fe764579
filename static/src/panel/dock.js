import { onWillUnmount, useEffect } from "@odoo/owl";
import { browser } from "@web/core/browser/browser";
import { MEDIAS_BREAKPOINTS, SIZES, utils } from "@web/core/ui/ui_service";
import { patch } from "@web/core/utils/patch";

/** The width of the docked panel in pixels, the same as in call_panel.scss. */
export const DOCK_WIDTH = 320;
/** From this window width on the panel is a column beside the page, below it a sheet. */
export const SMALLEST_DOCKED = 992;
const DOCKED_CLASS = "o_airtel_ccp_docked";

patch(utils, {
    /** The width by which Odoo lays out pages: the window's without the docked panel's. */
    getSize() {
        const size = super.getSize();
        const width = browser.innerWidth;
        if (!document.body.classList.contains(DOCKED_CLASS) || width < SMALLEST_DOCKED) {
            return size;
        }
        const rest = width - DOCK_WIDTH;
        const left = MEDIAS_BREAKPOINTS.findIndex(
            ({ minWidth = 0, maxWidth = Infinity }) => minWidth <= rest && rest <= maxWidth
        );
        // Never so narrow that Odoo switches to its layout for phones
        return Math.min(size, Math.max(left, SIZES.MD));
    },
});

/**
 * Reserves room for the panel beside the page while it is shown.
 *
 * @param {() => boolean} isShown
 */
export function useDock(isShown) {
    const dock = (shown) => {
        document.body.classList.toggle(DOCKED_CLASS, shown);
        browser.dispatchEvent(new Event("resize"));
    };
    useEffect(
        (shown) => {
            if (shown !== document.body.classList.contains(DOCKED_CLASS)) {
                dock(shown);
            }
        },
        () => [isShown()]
    );
    onWillUnmount(() => document.body.classList.remove(DOCKED_CLASS));
}
