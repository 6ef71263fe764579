import { describe, expect, test } from "@odoo/hoot";
import { advanceTime, animationFrame, Deferred } from "@odoo/hoot-mock";
import { Component, onWillStart, reactive, useState, xml } from "@odoo/owl";
import {
    contains,
    getService,
    mountView,
    mountWithCleanup,
    MockServer,
    onRpc,
    toggleMenuItem,
    toggleSearchBarMenu,
} from "@web/../tests/web_test_helpers";

import { PAUSE, useCallRefresh } from "@airtel_ccp/history/call_refresh";
import {
    allowCalls,
    defineCallModels,
    logIn,
    tellCall,
    tellLive,
    waitFor,
} from "./call_test_helpers";

describe.current.tags("desktop");
defineCallModels();

const LIST = /* xml */ `
    <list js_class="airtel_ccp_call_list"><field name="customer_name"/><field name="state"/></list>`;
const FORM = /* xml */ `
    <form js_class="airtel_ccp_call_form" edit="0"><field name="customer_name"/><field name="state"/></form>`;

async function mountCalls(params) {
    await logIn();
    const id = MockServer.env["ccp.call"].create({
        customer_name: "Priya",
        state: "ringing_agent",
    });
    await mountView({ resModel: "ccp.call", ...params(id) });
    await getService("bus_service").start();
    // The bus that has come may ask once more
    await advanceTime(PAUSE * 2);
    return id;
}

const views = {
    list: { params: () => ({ type: "list", arch: LIST }), cell: ".o_data_cell[name=state]" },
    form: { params: (resId) => ({ type: "form", resId, arch: FORM }), cell: "[name=state]" },
};

for (const [name, { params, cell }] of Object.entries(views)) {
    test(`the ${name} follows a call of one's own, and calls of others`, async () => {
        allowCalls();
        const id = await mountCalls(params);
        expect(cell).toHaveText("Agent's phone rings");
        MockServer.env["ccp.call"].write([id], { state: "ringing_customer" });
        tellCall({ id, state: "ringing_customer" });
        await advanceTime(PAUSE * 2);
        await waitFor(`${cell}:contains(Customer's phone rings)`);
        MockServer.env["ccp.call"].write([id], { state: "in_call" });
        tellLive();
        await advanceTime(PAUSE * 2);
        await waitFor(`${cell}:contains(In call)`);
    });
}

test("what is ticked in the list stays ticked", async () => {
    allowCalls();
    const id = await mountCalls(views.list.params);
    await contains(".o_data_row .o_list_record_selector input").click();
    tellCall({ id, state: "ringing_customer" });
    await advanceTime(PAUSE * 2);
    expect(".o_data_row .o_list_record_selector input").toBeChecked();
});

test("a call that changes does not outrun the reader's search", async () => {
    const SEARCH = /* xml */ `
        <search><filter name="ended" string="Ended" domain="[('state', '=', 'ended')]"/></search>`;
    allowCalls();
    const id = await mountCalls(() => ({ ...views.list.params(), searchViewArch: SEARCH }));
    MockServer.env["ccp.call"].create({ customer_name: "Kavya", state: "ended" });
    const slow = new Deferred();
    onRpc("web_search_read", async ({ kwargs }) => {
        expect.step(kwargs.domain.length ? "search" : "refresh");
        await (kwargs.domain.length && slow);
    });
    await toggleSearchBarMenu();
    await toggleMenuItem("Ended");
    getService("bus_service").subscribe("airtel_ccp.call", () => expect.step("change"));
    tellCall({ id, state: "in_call" });
    await expect.waitForSteps(["search", "change"]);
    await advanceTime(PAUSE * 2);
    slow.resolve();
    await waitFor(".o_data_cell[name=customer_name]:contains(Kavya)");
    await advanceTime(PAUSE * 2);
    expect.verifySteps(["search"]);
    expect(".o_data_cell[name=customer_name]").toHaveCount(1);
    expect(".o_data_cell[name=customer_name]").toHaveText("Kavya");
});

/** A view of calls, which steps when it is read again. */
class Calls extends Component {
    static template = xml`<div class="calls"/>`;
    static props = {};

    setup() {
        useCallRefresh(async () => expect.step("reload"));
    }
}

/** The same, which never gets as far as being shown. */
class PendingCalls extends Calls {
    setup() {
        super.setup();
        onWillStart(() => new Promise(() => {}));
    }
}

for (const [name, View] of Object.entries({ "was left": Calls, "was never shown": PendingCalls })) {
    test(`a view that ${name} is not read again`, async () => {
        const shown = reactive({ isOpen: true });
        class Screen extends Component {
            static template = xml`<div><View t-if="shown.isOpen"/></div>`;
            static components = { View };
            static props = {};

            setup() {
                this.shown = useState(shown);
            }
        }
        allowCalls();
        await logIn();
        // Not awaited: what never gets shown keeps its parent waiting
        mountWithCleanup(Screen);
        await animationFrame();
        const bus = getService("bus_service");
        await bus.start();
        // What is sent before the bus has come is heard by nobody
        await advanceTime(PAUSE * 2);
        shown.isOpen = false;
        await animationFrame();
        bus.addChannel("airtel_ccp.live");
        bus.subscribe("airtel_ccp.call", () => expect.step("call"));
        bus.subscribe("airtel_ccp.live", () => expect.step("live"));
        tellCall({ state: "in_call" });
        tellLive();
        await expect.waitForSteps(["call", "live"]);
        await advanceTime(PAUSE * 2);
        expect.verifySteps([]);
    });
}
