import { describe, expect, test } from "@odoo/hoot";
import { click, queryAllTexts } from "@odoo/hoot-dom";
import { advanceTime } from "@odoo/hoot-mock";
import {
    defineModels,
    fields,
    getService,
    models,
    mountView,
    mountWithCleanup,
    MockServer,
    serverState,
} from "@web/../tests/web_test_helpers";

import { PAUSE } from "@airtel_ccp/callback/callback_views";
import { DashboardCallbacks } from "@airtel_ccp/dashboard/dashboard_callbacks";
import {
    allowCalls,
    callService,
    defineCallModels,
    logIn,
    onPlace,
    waitFor,
} from "./call_test_helpers";

describe.current.tags("desktop");

class Callback extends models.Model {
    _name = "ccp.callback";

    customer_name = fields.Char();
    due_date = fields.Datetime();
    state = fields.Selection({
        selection: [
            ["open", "Open"],
            ["done", "Called back"],
        ],
    });
}

defineCallModels();
defineModels([Callback]);

const VIEWS = {
    list: {
        arch: /* xml */ `
            <list js_class="airtel_ccp_callback_list">
                <field name="customer_name"/><field name="state"/>
            </list>`,
        cell: ".o_data_cell[name=state]",
    },
    kanban: {
        arch: /* xml */ `
            <kanban js_class="airtel_ccp_callback_kanban" default_group_by="due_date:day">
                <templates><t t-name="card"><field name="state"/></t></templates>
            </kanban>`,
        cell: ".o_kanban_record:not(.o_kanban_ghost)",
    },
    form: {
        arch: /* xml */ `
            <form js_class="airtel_ccp_callback_form" edit="0">
                <field name="customer_name"/><field name="state"/>
            </form>`,
        cell: ".o_field_widget[name=state]",
    },
};

/** Sends what a change of call-backs sends to the browsers of those who may make them. */
function tellCallbacks() {
    const [partner] = MockServer.env["res.partner"].browse(serverState.partnerId);
    MockServer.env["bus.bus"]._sendone(partner, "airtel_ccp.callbacks", {});
}

for (const [type, { arch, cell }] of Object.entries(VIEWS)) {
    test(`the ${type} follows call-backs that change`, async () => {
        allowCalls();
        await logIn();
        const id = MockServer.env["ccp.callback"].create({
            customer_name: "Priya",
            state: "open",
            due_date: "2026-03-09 10:00:00",
        });
        await mountView({
            resModel: "ccp.callback",
            type,
            arch,
            ...(type === "form" && { resId: id }),
        });
        await getService("bus_service").start();
        await advanceTime(PAUSE * 2);
        expect(cell).toHaveText("Open");
        MockServer.env["ccp.callback"].write([id], { state: "done" });
        tellCallbacks();
        await advanceTime(PAUSE * 2);
        await waitFor(`${cell}:contains(Called back)`);
    });
}

test("calling back says which call-back it answers", async () => {
    allowCalls();
    onPlace((model, id, fieldName, choice, entry, options) => {
        expect.step([model, id, fieldName, entry, options.callback_id]);
        return { call_id: 7, state: "ringing_agent", message: "" };
    });
    await mountWithCleanup(/* xml */ `<div/>`);
    expect(callService().canCall).toBe(true);
    await getService("action").doAction({
        type: "ir.actions.client",
        tag: "airtel_ccp.call",
        params: {
            res_model: "customer",
            res_id: 1,
            field_name: false,
            options: { callback_id: 5 },
        },
    });
    await expect.waitForSteps([["customer", 1, null, null, 5]]);
});

const figure = (kind, value) => ({ kind, value, domain: [["state", "=", kind]] });
const FIGURES = [figure("number", 2), figure("percent", 50)];
const CALLBACKS = {
    tiles: [
        { key: "open", label: "Call-backs open", ...FIGURES[0] },
        { key: "in_time", label: "In time", ...FIGURES[1] },
    ],
    headings: ["Call-backs open", "In time"],
    teams: [{ id: 3, name: "North", figures: FIGURES }],
};

test("the dashboard shows what is owed, for all and for each team", async () => {
    const opened = [];
    await mountWithCleanup(DashboardCallbacks, {
        props: {
            callbacks: CALLBACKS,
            format: ({ value }) => String(value),
            open: (...all) => opened.push(all),
        },
    });
    expect(queryAllTexts("[data-callbacks] bdi")).toEqual(["2", "50"]);
    expect(queryAllTexts(".o_airtel_ccp_callback_teams tbody td")).toEqual(["North", "2", "50"]);
    await click("[data-callbacks=in_time] button");
    expect(opened).toEqual([[CALLBACKS.tiles[1], "In time", "ccp.callback"]]);
});

test("the dashboard says nothing of call-backs where there are none", async () => {
    await mountWithCleanup(DashboardCallbacks, {
        props: { callbacks: { ...CALLBACKS, teams: [] }, format: () => "", open: () => {} },
    });
    expect(".o_airtel_ccp_dashboard_callbacks").toHaveCount(0);
});
