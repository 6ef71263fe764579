import { registry } from "@web/core/registry";

const CARD = ".o-mail-Chatter .o_airtel_ccp_card";

/**
 * Calls from a lead's form and follows the call in the chatter, without reloading the page.
 *
 * Starts on the form of a lead whose customer picks up. Needs a server that sends bus
 * notifications, and something that reports as Airtel does.
 */
registry.category("web_tour.tours").add("airtel_ccp_call_lead", {
    steps: () => [
        {
            content: "Call the lead's number",
            trigger: ".o_form_view .o_field_phone[name=phone] .o_airtel_ccp_call:not(.disabled)",
            run: "click",
        },
        {
            content: "The panel tells what is happening",
            trigger: ".o_airtel_ccp_panel .o_airtel_ccp_message",
        },
        {
            content: "The card is on the lead's chatter",
            trigger: CARD,
        },
        {
            content: "The call is counted on the form",
            trigger: "button[name=action_ccp_calls] .o_stat_value:contains(1)",
        },
        {
            content: "The card tells that both talked",
            trigger: `${CARD} .o_airtel_ccp_headline:contains(/^Connected, talked for/)`,
            timeout: 60000,
        },
        {
            content: "So does the panel",
            trigger: ".o_airtel_ccp_panel[data-state=ended] .o_airtel_ccp_talked",
        },
        {
            content: "There is one card, and it leads to the recording",
            trigger: `${CARD}:count(1) a[href^="/airtel_ccp/recording/"]`,
            timeout: 60000,
        },
    ],
});
