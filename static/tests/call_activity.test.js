import { describe, expect, test } from "@odoo/hoot";
import { openFormView, start, startServer } from "@mail/../tests/mail_test_helpers";
import { contains, getService, MockServer, serverState } from "@web/../tests/web_test_helpers";

import { allowCalls, defineCallModels, onPlace, waitFor, waitForNone } from "./call_test_helpers";

describe.current.tags("desktop");
defineCallModels();

const FORM = /* xml */ `<form><field name="name"/><chatter/></form>`;

/** Opens a contact with two planned calls; returns the ids of contact and activities. */
async function openContact() {
    allowCalls();
    const pyEnv = await startServer();
    const [typeId] = pyEnv["mail.activity.type"].search([["category", "=", "phonecall"]]);
    const partnerId = pyEnv["res.partner"].create({ name: "Priya Sharma" });
    const activityIds = pyEnv["mail.activity"].create(
        ["Ask about budget", "Confirm delivery date"].map((summary) => ({
            activity_category: "phonecall",
            activity_type_id: typeId,
            can_write: true,
            res_id: partnerId,
            res_model: "res.partner",
            summary,
            user_id: serverState.userId,
        }))
    );
    await start();
    await openFormView("res.partner", partnerId, { arch: FORM });
    await waitFor(".o-mail-Activity");
    return { partnerId, activityIds };
}

test("Call on a planned call names that activity", async () => {
    onPlace((model, id, field, choice, item, options) => {
        expect.step([model, id, options?.activity_id]);
        return { call_id: 7, state: "ringing_agent", message: "" };
    });
    const { partnerId, activityIds } = await openContact();
    await contains(
        ".o-mail-Activity:contains('Confirm delivery date') .o_airtel_ccp_call_activity"
    ).click();
    expect.verifySteps([["res.partner", partnerId, activityIds[1]]]);
});

test("an activity that a call ticked off is gone at once", async () => {
    const { partnerId, activityIds } = await openContact();
    await getService("bus_service").start();
    MockServer.env["mail.activity"].unlink([activityIds[1]]);
    const [partner] = MockServer.env["res.partner"].browse(serverState.partnerId);
    MockServer.env["bus.bus"]._sendone(partner, "airtel_ccp.record", {
        res_model: "res.partner",
        res_id: partnerId,
    });
    await waitForNone(".o-mail-Activity:contains('Confirm delivery date')");
    expect(".o-mail-Activity:contains('Ask about budget')").toHaveCount(1);
});
