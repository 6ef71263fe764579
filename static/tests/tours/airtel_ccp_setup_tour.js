import { registry } from "@web/core/registry";

const STEP = (name) => `.o_airtel_ccp_setup [data-step=${name}]`;
const DONE = ".badge:contains(/^Done$/)";
const FIELD = (name) => `.o_airtel_ccp_setup .o_field_widget[name=${name}] input`;

/**
 * From the first look at the calls to the first connected call, on the set-up page alone.
 *
 * Needs a database where nothing is set up, Airtel's Postman file at the address below, a server
 * that sends bus notifications, and something that reports as Airtel does.
 */
registry.category("web_tour.tours").add("airtel_ccp_setup", {
    steps: () => [
        {
            content: "The list of calls leads to the set-up",
            trigger: ".o_airtel_ccp_setup_banner button",
            run: "click",
        },
        {
            content: "Nothing is set up",
            trigger: `${STEP("account")} .badge:contains(Next step: you)`,
        },
        {
            content: "Import Airtel's file",
            trigger: `${STEP("account")} button:contains(Import Airtel's Postman file)`,
            run: "click",
        },
        {
            content: "Choose the file",
            trigger: ".modal .o_field_widget[name=file] .o_select_file_button",
            async run() {
                const answer = await fetch("/airtel_ccp_tour/environment.json");
                const name = "Airtel CCP.postman_environment.json";
                const file = new File([await answer.blob()], name, { type: "application/json" });
                const chosen = new DataTransfer();
                chosen.items.add(file);
                const input = document.querySelector(".modal [name=file] input[type=file]");
                input.files = chosen.files;
                input.dispatchEvent(new Event("change", { bubbles: true }));
            },
        },
        {
            content: "It shows what it found before it saves",
            trigger: ".modal .o_field_widget[name=caller_id]:contains(8000000001)",
        },
        {
            content: "The password stays covered",
            trigger: ".modal .o_field_widget[name=password]:contains(••••••••)",
        },
        {
            content: "Save the settings",
            trigger: ".modal footer button[name=action_save]",
            run: "click",
        },
        {
            content: "The call flow is there",
            trigger: `body:not(:has(.modal)) ${STEP("flow")} ${DONE}`,
        },
        {
            content: "Airtel reaches this server under its public address",
            trigger: FIELD("notify_base_url"),
            run: `edit ${window.location.origin}`,
        },
        {
            content: "My own phone",
            trigger: FIELD("my_phone"),
            run: "edit 70000 00901",
        },
        {
            content: "Another phone",
            trigger: FIELD("test_number"),
            run: "edit 70000 00101",
        },
        {
            content: "Call",
            trigger: `${STEP("test")} button[name=action_call]`,
            run: "click",
        },
        {
            content: "The panel follows the call to its end",
            trigger: ".o_airtel_ccp_panel[data-state=ended] .o_airtel_ccp_talked",
            timeout: 60000,
        },
        ...["account", "flow", "notify", "users", "test"].map((step) => ({
            content: `Step ${step} is done`,
            trigger: `${STEP(step)} ${DONE}`,
        })),
        {
            content: "Everything is ready",
            trigger: ".o_airtel_ccp_setup .alert-success:contains(Everything is ready)",
        },
    ],
});
