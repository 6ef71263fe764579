import { registry } from "@web/core/registry";

const PLAYER = ".o_airtel_ccp_player";
const BAR = ".o_airtel_ccp_player_bar";

function audio(selector) {
    return document.querySelector(`${selector} audio`);
}

/** Waits until a moment that only playing or seeking can bring. */
async function until(condition, what) {
    for (let tries = 0; tries < 100; tries++) {
        if (condition()) {
            return;
        }
        await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`Waited in vain: ${what}`);
}

/**
 * Listens to a recording of 30 seconds: from the list, in the form, and from the chatter.
 *
 * Starts on the list of calls, which holds one call with a recording, made on a lead.
 */
registry.category("web_tour.tours").add("airtel_ccp_player", {
    steps: () => [
        {
            content: "Play from the list",
            trigger: ".o_list_view button.o_airtel_ccp_listen",
            run: "click",
        },
        {
            content: "It plays in the bar, and the list is still there",
            trigger: `.o_web_client:has(.o_list_view) ${BAR} ${PLAYER}[data-playing=true]`,
            async run() {
                await until(() => audio(BAR).currentTime > 0.3, "it plays");
                if (Math.round(audio(BAR).duration) !== 30) {
                    throw new Error(`It says that it lasts ${audio(BAR).duration} s`);
                }
            },
        },
        {
            content: "It knows how long it is",
            trigger: `${BAR} .o_airtel_ccp_time:contains(/ 00:30)`,
        },
        {
            content: "Close the bar",
            trigger: `${BAR} .o_airtel_ccp_player_close`,
            run: "click",
        },
        {
            content: "Open the call",
            trigger: `body:not(:has(${BAR})) .o_list_view td[name=customer_name]`,
            run: "click",
        },
        {
            content: "Play in the form",
            trigger: `.o_form_view ${PLAYER} .o_airtel_ccp_play`,
            run: "click",
        },
        {
            content: "Seek",
            trigger: `.o_form_view ${PLAYER}[data-playing=true] .o_airtel_ccp_seek`,
            run: "range 20",
        },
        {
            content: "It goes on from there",
            trigger: `.o_form_view ${PLAYER}[data-playing=true] .o_airtel_ccp_time:contains(00:2)`,
            async run() {
                await until(() => audio(".o_form_view").currentTime > 20.3, "it plays on");
            },
        },
        {
            content: "Open the record",
            trigger: "button[name=action_open_record]",
            run: "click",
        },
        {
            content: "Play from the card",
            trigger: ".o-mail-Message .o_airtel_ccp_card a.o_airtel_ccp_listen",
            run: "click",
        },
        {
            content: "It goes on where the form stopped",
            trigger: `${BAR} ${PLAYER}[data-playing=true]`,
            async run() {
                await until(() => audio(BAR).currentTime > 20, "it resumes");
            },
        },
    ],
});
