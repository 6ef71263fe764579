import { registry } from "@web/core/registry";

const SEARCH = ".o_searchview_input";
const ROWS = ".o_list_view .o_data_row";

/** Searches the list of calls for a number as somebody wrote it, and drops the search again. */
function find(spelling) {
    return [
        {
            content: `Type ${spelling}`,
            trigger: SEARCH,
            run: `edit ${spelling}`,
        },
        {
            content: "Look for it among the numbers",
            trigger: ".o_searchview_autocomplete .o-dropdown-item:contains(Number)",
            run: "click",
        },
        {
            content: "Only the call to this number is left",
            trigger: `.o_list_view:has(.o_data_row:contains(Kavya Reddy)):not(:has(.o_data_row:contains(Priya Sharma)))`,
        },
        {
            content: "Drop the search",
            trigger: ".o_searchview .o_facet_remove",
            run: "click",
        },
        {
            content: "All calls are back",
            trigger: `${ROWS}:contains(Priya Sharma)`,
        },
    ];
}

/**
 * A manager opens the calls, finds one by its number in three spellings, and reads its story.
 *
 * Starts on the list of calls, with a call to Kavya Reddy at 70000 00444 and one to Priya Sharma.
 */
registry.category("web_tour.tours").add("airtel_ccp_find_call", {
    steps: () => [
        {
            content: "Both calls are there",
            trigger: `${ROWS}:contains(Priya Sharma)`,
        },
        ...find("+91 70000 00444"),
        ...find("070000-00444"),
        ...find("0444"),
        {
            content: "Open the call",
            trigger: `${ROWS} .o_data_cell:contains(Kavya Reddy)`,
            run: "click",
        },
        {
            content: "Its story has both lines side by side",
            trigger: ".o_form_view .o_airtel_ccp_timeline td:contains(Kavya Reddy picked up)",
        },
        {
            content: "It tells for how long they talked",
            trigger: ".o_form_view .o_field_widget[name=talk_time]:contains(00:42)",
        },
    ],
});
