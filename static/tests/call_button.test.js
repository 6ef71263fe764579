import { beforeEach, describe, expect, test } from "@odoo/hoot";
import { press, queryFirst } from "@odoo/hoot-dom";
import { Deferred, advanceTime, animationFrame } from "@odoo/hoot-mock";
import {
    contains,
    makeServerError,
    mountView,
    onRpc,
    MockServer,
} from "@web/../tests/web_test_helpers";

import { registry } from "@web/core/registry";
import { SENTENCE, allowCalls, defineCallModels, onPlace } from "./call_test_helpers";

describe.current.tags("desktop");
defineCallModels();

const FORM = /* xml */ `<form><field name="name" required="1"/><field name="phone" widget="phone"/></form>`;
const LIST = /* xml */ `<list><field name="name"/><field name="phone" widget="phone"/></list>`;

function mountForm(params) {
    return mountView({ type: "form", resModel: "customer", resId: 1, arch: FORM, ...params });
}

describe("shown", () => {
    test("users who cannot call keep Odoo's own link", async () => {
        await mountForm();
        expect(".o_airtel_ccp_call").toHaveCount(0);
        expect("a.o_phone_form_link").toHaveAttribute("href", "tel:+917000000101");
    });

    test("users who can call get a button in place of that link", async () => {
        allowCalls();
        await mountForm();
        expect("button.o_airtel_ccp_call").toHaveCount(1);
        expect(".o_airtel_ccp_call").toHaveText("Call");
        expect(".o_airtel_ccp_call").toHaveAttribute(
            "aria-label",
            "Call +91 70000 00101 through Airtel"
        );
        expect("a[href^='tel:']").toHaveCount(0);
    });

    test("beside the number of a form that cannot be edited", async () => {
        allowCalls();
        await mountForm({ readonly: true });
        expect("a.o_form_uri").toHaveAttribute("href", "tel:+917000000101");
        expect(".o_airtel_ccp_call").toHaveText("Call");
    });

    test("only with a number", async () => {
        allowCalls();
        await mountForm({ resId: 2 });
        expect(".o_airtel_ccp_call").toHaveCount(0);
        await contains("[name=phone] input").edit("70000 00102");
        expect(".o_airtel_ccp_call").toHaveCount(1);
        await contains("[name=phone] input").clear();
        await contains("[name=name] input").click();
        expect(".o_airtel_ccp_call").toHaveCount(0);
    });

    test("not with the option off", async () => {
        allowCalls();
        await mountForm({
            arch: `<form><field name="phone" widget="phone" options="{'enable_airtel_ccp': False}"/></form>`,
        });
        expect(".o_airtel_ccp_call").toHaveCount(0);
        expect("a.o_phone_form_link").toHaveCount(1);
    });

    test("not on a field that the server would not call", async () => {
        allowCalls();
        await mountForm({
            arch: `<form><field name="phone" widget="phone" airtel_ccp_no_call="1"/></form>`,
        });
        expect(".o_airtel_ccp_call").toHaveCount(0);
        expect("a.o_phone_form_link").toHaveCount(1);
    });

    test("not on the addon's own models", async () => {
        allowCalls();
        await mountView({
            type: "form",
            resModel: "ccp.call.flow",
            resId: 1,
            arch: `<form><field name="caller_number" widget="phone"/></form>`,
        });
        expect(".o_field_phone").toHaveCount(1);
        expect(".o_airtel_ccp_call").toHaveCount(0);
    });

    test("not on a new record that cannot be saved", async () => {
        allowCalls();
        await mountView({
            type: "form",
            resModel: "customer",
            context: { default_phone: "70000 00101" },
            arch: `<form><field name="phone" widget="phone" readonly="1"/></form>`,
        });
        expect(".o_field_phone a").toHaveText("70000 00101");
        expect(".o_airtel_ccp_call").toHaveCount(0);
    });

    test("the option is offered beside those of other addons", () => {
        for (const name of ["phone", "form.phone"]) {
            const options = registry.category("fields").get(name).supportedOptions;
            expect(options.map((option) => option.name)).toInclude("enable_airtel_ccp");
            expect(options.map((option) => option.name)).toInclude("placeholder_field");
        }
    });
});

describe("in a form", () => {
    beforeEach(allowCalls);

    test("calls the record's field and shows the answer", async () => {
        onPlace((...args) => {
            expect.step(args);
            return { call_id: 7, state: "ringing_agent", message: SENTENCE };
        });
        await mountForm();
        await contains(".o_airtel_ccp_call").click();
        expect.verifySteps([["customer", 1, "phone", null, null]]);
    });

    test("saves changes first", async () => {
        onRpc("customer", "web_save", ({ args }) => {
            expect.step(["web_save", args[1]]);
        });
        onPlace((...args) => {
            expect.step(args);
            return { call_id: 7, state: "ringing_agent", message: SENTENCE };
        });
        await mountForm();
        await contains("[name=phone] input").edit("70000 00102", { confirm: false });
        await contains(".o_airtel_ccp_call").click();
        expect.verifySteps([
            ["web_save", { phone: "70000 00102" }],
            ["customer", 1, "phone", null, null],
        ]);
    });

    test("saves a new record first", async () => {
        onPlace((...args) => {
            expect.step(args);
            return { call_id: 7, state: "ringing_agent", message: SENTENCE };
        });
        await mountForm({ resId: false });
        await contains("[name=name] input").edit("Kavya");
        await contains("[name=phone] input").edit("70000 00105");
        await contains(".o_airtel_ccp_call").click();
        const [id] = MockServer.env["customer"].search([["name", "=", "Kavya"]]);
        expect.verifySteps([["customer", id, "phone", null, null]]);
    });

    test("does not call while the record is not valid", async () => {
        onPlace(() => expect.step("place"));
        await mountForm();
        await contains("[name=name] input").edit("");
        await contains(".o_airtel_ccp_call").click();
        expect(".o_notification").toHaveText("Missing required fields");
        expect.verifySteps([]);
        expect(".o_airtel_ccp_call").toHaveAttribute("aria-disabled", "false");
    });

    test("a double click places one call", async () => {
        const answer = new Deferred();
        onPlace(() => {
            expect.step("place");
            return answer;
        });
        await mountForm();
        const button = queryFirst(".o_airtel_ccp_call");
        button.click();
        button.click();
        await animationFrame();
        expect(".o_airtel_ccp_call").toHaveAttribute("aria-disabled", "true");
        expect(".o_airtel_ccp_call").toHaveAttribute("aria-busy", "true");
        expect(".o_airtel_ccp_call .fa-spin").toHaveCount(1);
        button.click();
        answer.resolve({ call_id: 7, state: "ringing_agent", message: SENTENCE });
        await animationFrame();
        expect.verifySteps(["place"]);
        expect(".o_airtel_ccp_call").toHaveAttribute("aria-disabled", "false");
        expect(".o_airtel_ccp_call .fa-spin").toHaveCount(0);
    });

    test("a slow double click places one call too", async () => {
        onPlace(() => {
            expect.step("place");
            return { call_id: 7, state: "ringing_agent", message: SENTENCE };
        });
        await mountForm();
        await contains(".o_airtel_ccp_call").click();
        await animationFrame();
        await contains(".o_airtel_ccp_call").click();
        expect.verifySteps(["place"]);
        await advanceTime(1000);
        await contains(".o_airtel_ccp_call").click();
        expect.verifySteps(["place"]);
    });

    test("the number of calls on the form follows", async () => {
        onPlace((resModel, resId) => {
            MockServer.env["customer"].write([resId], { ccp_call_count: 1 });
            return { call_id: 7, state: "ringing_agent", message: SENTENCE };
        });
        await mountForm({
            arch: `<form><field name="ccp_call_count"/><field name="phone" widget="phone"/></form>`,
        });
        expect("[name=ccp_call_count] input").toHaveValue("0");
        await contains(".o_airtel_ccp_call").click();
        await animationFrame();
        expect("[name=ccp_call_count] input").toHaveValue("1");
    });

    test("a refusal is one sentence, not a dialog", async () => {
        const refusals = ["Your phone is not known.", "You are still in a call with Priya."];
        onPlace(() => {
            throw makeServerError({ description: refusals.shift() });
        });
        await mountForm();
        await contains(".o_airtel_ccp_call").click();
        expect(".o_notification").toHaveText("Your phone is not known.");
        expect(".o_notification_bar").toHaveClass("bg-danger");
        expect(".modal").toHaveCount(0);
        await advanceTime(1000);
        await contains(".o_airtel_ccp_call").click();
        expect(".o_notification").toHaveCount(1);
        expect(".o_notification").toHaveText("You are still in a call with Priya.");
    });

    test("a fault of the server is shown as Odoo shows faults", async () => {
        expect.errors(1);
        onPlace(() => {
            throw makeServerError({ errorName: "builtins.KeyError", message: "Odoo Server Error" });
        });
        await mountForm();
        await contains(".o_airtel_ccp_call").click();
        await animationFrame();
        expect.verifyErrors(["RPC_ERROR: Odoo Server Error"]);
        expect(".modal").toHaveCount(1);
        expect(".o_notification").toHaveCount(0);
    });

    test("says so when the connection breaks while the call is placed", async () => {
        expect.errors(1);
        onPlace(() => new Response("not JSON", { status: 502 }));
        await mountForm();
        await contains(".o_airtel_ccp_call").click();
        await animationFrame();
        expect.verifyErrors([/ConnectionLostError|Connection to/]);
        expect(".o_notification.o_airtel_ccp_notice").toHaveText(/if your phone rings, pick up/);
        expect(".o_airtel_ccp_call").toHaveAttribute("aria-disabled", "false");
    });

    test("a line whose number is not saved is not called", async () => {
        onPlace((...args) => {
            expect.step(args);
            return { call_id: 7, state: "ringing_agent", message: SENTENCE };
        });
        await mountForm({
            arch: `
                <form>
                    <field name="name"/>
                    <field name="contact_ids">
                        <list>
                            <field name="phone" widget="phone"/>
                        </list>
                        <form>
                            <field name="phone" widget="phone"/>
                        </form>
                    </field>
                </form>`,
        });
        await contains(".o_data_row .o_airtel_ccp_call").click();
        expect.verifySteps([["customer.contact", 1, "phone", null, null]]);
        expect(".modal").toHaveCount(0);
        await contains(".o_data_row .o_data_cell").click();
        await contains(".modal [name=phone] input").edit("70000 00103");
        await contains(".modal .o_airtel_ccp_call").click();
        expect(".o_notification:contains(not saved yet)").toHaveCount(1);
        expect.verifySteps([]);
    });
});

describe("in a list and a kanban", () => {
    beforeEach(() => {
        allowCalls();
        onPlace((...args) => {
            expect.step(args);
            return { call_id: 7, state: "ringing_agent", message: SENTENCE };
        });
    });

    test("a row's button calls and leaves the row closed", async () => {
        await mountView({
            type: "list",
            resModel: "customer",
            arch: LIST,
            selectRecord: (id) => expect.step(`open ${id}`),
        });
        expect(".o_data_row:first a").toHaveText("+91 70000 00101");
        expect(".o_airtel_ccp_call").toHaveCount(1);
        expect(".o_airtel_ccp_call").toHaveText("");
        expect(".o_airtel_ccp_call").toHaveAttribute(
            "title",
            "Call +91 70000 00101 through Airtel"
        );
        await contains(".o_airtel_ccp_call").click();
        expect.verifySteps([["customer", 1, "phone", null, null]]);
    });

    test("so does pressing a key on it", async () => {
        await mountView({
            type: "list",
            resModel: "customer",
            arch: LIST,
            selectRecord: (id) => expect.step(`open ${id}`),
        });
        await contains(".o_airtel_ccp_call").focus();
        await press("Enter");
        await animationFrame();
        expect.verifySteps([["customer", 1, "phone", null, null]]);
    });

    test("an editable row stays as it is", async () => {
        await mountView({
            type: "list",
            resModel: "customer",
            arch: LIST.replace("<list>", `<list editable="bottom">`),
        });
        await contains(".o_airtel_ccp_call").click();
        expect(".o_selected_row").toHaveCount(0);
        expect.verifySteps([["customer", 1, "phone", null, null]]);
    });

    test("a card's button calls and leaves the card closed", async () => {
        await mountView({
            type: "kanban",
            resModel: "customer",
            arch: `
                <kanban>
                    <templates>
                        <t t-name="card"><field name="phone" widget="phone"/></t>
                    </templates>
                </kanban>`,
            selectRecord: (id) => expect.step(`open ${id}`),
        });
        expect(".o_airtel_ccp_call").toHaveCount(1);
        await contains(".o_airtel_ccp_call").click();
        expect.verifySteps([["customer", 1, "phone", null, null]]);
    });
});
