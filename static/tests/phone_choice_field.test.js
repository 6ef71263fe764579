import { describe, expect, test } from "@odoo/hoot";
import { queryAllAttributes, queryOne } from "@odoo/hoot-dom";
import {
    contains,
    defineModels,
    fields,
    models,
    mountView,
    onRpc,
} from "@web/../tests/web_test_helpers";

import { defineCallModels } from "./call_test_helpers";

describe.current.tags("desktop");

class ManualCall extends models.Model {
    _name = "ccp.manual.call";

    phone = fields.Char();
    offered_phones = fields.Json();

    _records = [
        {
            id: 1,
            phone: "70000 00101",
            offered_phones: [
                { phone: "70000 00101", label: "Priya Sharma, Phone" },
                { phone: "70000 00102", label: "Priya Sharma, Phone" },
            ],
        },
        { id: 2, phone: false, offered_phones: [] },
    ];
}

defineCallModels();
defineModels([ManualCall]);

const mount = (resId) =>
    mountView({
        type: "form",
        resModel: "ccp.manual.call",
        resId,
        arch: `<form><field name="phone" widget="ccp_phone_choice" /></form>`,
    });

test("the record's numbers are offered, and another one can be typed", async () => {
    onRpc("ccp.manual.call", "web_save", ({ args }) => {
        expect.step(args[1].phone);
    });
    await mount(1);
    const input = queryOne(".o_field_widget[name=phone] input");
    expect(input).toHaveValue("70000 00101");
    expect(input.list).toBe(queryOne(".o_field_widget[name=phone] datalist"));
    expect(queryAllAttributes("datalist option", "value")).toEqual(["70000 00101", "70000 00102"]);
    await contains(".o_field_widget[name=phone] input").edit("98765 43210");
    await contains(".o_form_button_save").click();
    expect.verifySteps(["98765 43210"]);
});

test("a record without numbers offers none", async () => {
    await mount(2);
    expect("datalist option").toHaveCount(0);
    expect(".o_field_widget[name=phone] input").toHaveValue("");
});
