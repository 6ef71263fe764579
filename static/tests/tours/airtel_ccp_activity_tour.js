import { registry } from "@web/core/registry";

const PANEL = ".o_airtel_ccp_panel";
const ACTIVITY = ".o-mail-Chatter .o-mail-Activity";

/**
 * Calls from a planned activity of type Call, and chooses an outcome, which ticks the activity off.
 *
 * Starts on the form of a lead with such an activity, whose customer picks up. Needs a server that
 * sends bus notifications, and something that reports as Airtel does.
 */
registry.category("web_tour.tours").add("airtel_ccp_activity", {
    steps: () => [
        {
            content: "Call from the activity",
            trigger: `${ACTIVITY} .o_airtel_ccp_call_activity:not(:disabled)`,
            run: "click",
        },
        {
            content: "The call ends",
            trigger: `${PANEL}[data-state=ended][data-result=connected]`,
            timeout: 60000,
        },
        {
            content: "Choose an outcome",
            trigger: `${PANEL} .o_airtel_ccp_outcome:contains(Interested)`,
            run: "click",
        },
        {
            content: "It is chosen",
            trigger: `${PANEL} .o_airtel_ccp_outcome[aria-checked=true]:contains(Interested)`,
        },
    ],
});
