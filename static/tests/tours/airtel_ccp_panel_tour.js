import { registry } from "@web/core/registry";

const CARD = ".o-mail-Chatter .o_airtel_ccp_card";
const PANEL = ".o_airtel_ccp_panel";

/**
 * Writes a note and chooses an outcome during a call, then plans a follow-up.
 *
 * Starts on the form of a lead whose customer picks up. Needs a server that sends bus
 * notifications, and something that reports as Airtel does.
 */
registry.category("web_tour.tours").add("airtel_ccp_panel_note_outcome", {
    steps: () => [
        {
            content: "Call the lead's number",
            trigger: ".o_form_view .o_field_phone[name=phone] .o_airtel_ccp_call:not(.disabled)",
            run: "click",
        },
        {
            content: "Both talk, and the clock runs",
            trigger: `${PANEL}[data-state=in_call] .o_airtel_ccp_clock`,
            timeout: 60000,
        },
        {
            content: "Write a note",
            trigger: `${PANEL} .o_airtel_ccp_note`,
            run: "edit Wants a sample of the linen",
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
        {
            content: "The card has the note",
            trigger: `${CARD}:contains(Wants a sample of the linen)`,
        },
        {
            content: "The card has the outcome",
            trigger: `${CARD}:contains(Interested)`,
        },
        {
            content: "Plan the next call",
            trigger: `${PANEL} .o_airtel_ccp_tomorrow`,
            run: "click",
        },
        {
            content: "The panel says when",
            trigger: `${PANEL} .o_airtel_ccp_answer.alert-success`,
        },
        {
            content: "The chatter has it at once",
            trigger: ".o-mail-Chatter .o-mail-Activity",
        },
        {
            content: "Take it back",
            trigger: `${PANEL} .o_airtel_ccp_take_back`,
            run: "click",
        },
        {
            content: "It is gone from the chatter",
            trigger: "body:not(:has(.o-mail-Chatter .o-mail-Activity))",
        },
        {
            content: "Plan it again",
            trigger: `${PANEL} .o_airtel_ccp_tomorrow[aria-disabled=false]`,
            run: "click",
        },
        {
            content: "It is there once",
            trigger: ".o-mail-Chatter .o-mail-Activity",
        },
        {
            content: "The call ends",
            trigger: `${PANEL}[data-state=ended][data-result=connected]`,
            timeout: 60000,
        },
        {
            content: "Close the panel",
            trigger: `${PANEL} .o_airtel_ccp_close`,
            run: "click",
        },
        {
            content: "It is gone",
            trigger: `body:not(:has(${PANEL}))`,
        },
    ],
});

/** Calls from a row of the list of leads; starts on that list. */
registry.category("web_tour.tours").add("airtel_ccp_list_row", {
    steps: () => [
        {
            content: "Open the choice of columns",
            trigger: ".o_list_view .o_optional_columns_dropdown button",
            run: "click",
        },
        {
            content: "Show the phone",
            trigger: ".o-dropdown--menu .dropdown-item:contains(Phone)",
            run: "click",
        },
        {
            content: "Call the row's number",
            trigger: ".o_list_view .o_data_row .o_airtel_ccp_call:not(.disabled)",
            run: "click",
        },
        {
            content: "The panel tells the call",
            trigger: `${PANEL} .o_airtel_ccp_message`,
        },
        {
            content: "The row stays closed, and its button shows that a call is live",
            trigger: ".o_list_view .o_airtel_ccp_call[aria-disabled=true]",
        },
        {
            content: "The call ends",
            trigger: `${PANEL}[data-state=ended]`,
            timeout: 60000,
        },
    ],
});

/**
 * Works through a call list of three: calls the first, who does not pick up, and puts it off;
 * skips the second; calls the third. Starts anywhere in the web client.
 */
registry.category("web_tour.tours").add("airtel_ccp_call_list", {
    steps: () => [
        {
            content: "The panel offers the first",
            trigger: `${PANEL} .o_airtel_ccp_next:contains(First)`,
        },
        {
            content: "Call it",
            trigger: `${PANEL} .o_airtel_ccp_call_next:not(.disabled)`,
            run: "click",
        },
        {
            content: "Nobody picks up",
            trigger: `${PANEL}[data-state=ended]:not([data-result=connected])`,
            timeout: 60000,
        },
        {
            content: "The panel offers a second attempt",
            trigger: `${PANEL} .o_airtel_ccp_next:contains(First):contains(attempt 2)`,
        },
        {
            content: "Try it again later",
            trigger: `${PANEL} .o_airtel_ccp_later`,
            run: "click",
        },
        {
            content: "The second is next",
            trigger: `${PANEL} .o_airtel_ccp_next:contains(Second)`,
        },
        {
            content: "Skip it",
            trigger: `${PANEL} .o_airtel_ccp_skip`,
            run: "click",
        },
        {
            content: "The third is next",
            trigger: `${PANEL} .o_airtel_ccp_next:contains(Third)`,
        },
        {
            content: "Call it",
            trigger: `${PANEL} .o_airtel_ccp_call_next:not(.disabled)`,
            run: "click",
        },
        {
            content: "Both talk, and the call ends",
            trigger: `${PANEL}[data-state=ended][data-result=connected]`,
            timeout: 60000,
        },
        {
            content: "One is left for later, and nothing dials by itself",
            trigger: `${PANEL} .o_airtel_ccp_list:contains(Nobody is due now)`,
        },
    ],
});
