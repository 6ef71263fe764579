import { registry } from "@web/core/registry";
import { stepUtils } from "@web_tour/tour_utils";

/** A manager opens the app and looks at the calls behind a figure. Needs three calls today. */
registry.category("web_tour.tours").add("airtel_ccp_dashboard", {
    steps: () => [
        stepUtils.showAppsMenuItem(),
        {
            content: "Open the app",
            trigger: ".o_app[data-menu-xmlid='airtel_ccp.ccp_menu_root']",
            run: "click",
        },
        {
            content: "The dashboard is first; open today's attempts",
            trigger: ".o_airtel_ccp_dashboard [data-tile=attempts] .o_today:contains(3)",
            run: "click",
        },
        {
            content: "The list has as many calls",
            trigger:
                ".o_list_view:has(.o_data_row:nth-child(3)):not(:has(.o_data_row:nth-child(4)))",
        },
    ],
});
