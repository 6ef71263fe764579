import { describe, expect, test } from "@odoo/hoot";
import { advanceTime } from "@odoo/hoot-mock";
import { contains, getService, mountView, MockServer } from "@web/../tests/web_test_helpers";

import { PAUSE } from "@airtel_ccp/history/call_refresh";
import { allowCalls, defineCallModels, tellCall, tellLive, waitFor } from "./call_test_helpers";

describe.current.tags("desktop");
defineCallModels();

const LIST = /* xml */ `
    <list js_class="airtel_ccp_call_list"><field name="customer_name"/><field name="state"/></list>`;
const FORM = /* xml */ `
    <form js_class="airtel_ccp_call_form"><field name="customer_name"/><field name="state"/></form>`;

async function mountCalls(params) {
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
