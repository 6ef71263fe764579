import { registry } from "@web/core/registry";

const PANEL = ".o_airtel_ccp_panel";
const ROW = ".o_list_view .o_data_row";

/**
 * Works through a call list of three on its page: page and panel always say the same. Starts on that
 * page.
 */
registry.category("web_tour.tours").add("airtel_ccp_call_list_page", {
    steps: () => [
        {
            content: "Skip the first on the page",
            trigger: `${ROW}:contains(First) button[name=action_skip]`,
            run: "click",
        },
        {
            content: "The panel offers the second",
            trigger: `${PANEL} .o_airtel_ccp_next:contains(Second)`,
        },
        {
            content: "Skip it in the panel",
            trigger: `${PANEL} .o_airtel_ccp_skip`,
            run: "click",
        },
        {
            content: "The page has it no more",
            trigger: `.o_list_view:not(:has(.o_data_row:contains(Second)))`,
        },
        {
            content: "Call the third from the page, by a button that names it",
            trigger: `${ROW} .o_airtel_ccp_call_entry[aria-label="Call Third"]:not(.disabled)`,
            run: "click",
        },
        {
            content: "Both talk, and the call ends",
            trigger: `${PANEL}[data-state=ended][data-result=connected]`,
            timeout: 60000,
        },
        {
            content: "Nobody is left, on the page as in the panel",
            trigger: `.o_list_view:not(:has(.o_data_row))`,
        },
    ],
});
