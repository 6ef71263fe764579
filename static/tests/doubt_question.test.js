import { describe, expect, test } from "@odoo/hoot";
import { contains, mountView } from "@web/../tests/web_test_helpers";

import { SENTENCE, allowCalls, defineCallModels, onPlace, waitFor } from "./call_test_helpers";

describe.current.tags("desktop");
defineCallModels();

const QUESTION = "Is +91 80123 45678 the right number of Priya Sharma?";

test("a doubtful number is called when the user says that it is Indian, for that click only", async () => {
    allowCalls();
    onPlace((resModel, resId, fieldName, choice, listItemId, options) => {
        expect.step(options ?? "asks");
        if (!options?.confirmed_number) {
            return { doubtful: { sentence: QUESTION, number: "8012345678" } };
        }
        return { call_id: 7, state: "ended", message: SENTENCE };
    });
    await mountView({
        type: "form",
        resModel: "customer",
        resId: 1,
        arch: `<form><field name="phone" widget="phone"/></form>`,
    });
    await contains(".o_airtel_ccp_call").click();
    await waitFor(".o_airtel_ccp_doubt:contains(the right number of Priya Sharma)");
    expect(".modal-footer .btn-secondary").toBeFocused();
    await contains(".modal-footer .btn-secondary").click();
    expect(".modal").toHaveCount(0);
    expect.verifySteps(["asks"]);
    await contains(".o_airtel_ccp_call").click();
    await waitFor(".o_airtel_ccp_confirm_number:contains(+91 80123 45678)");
    await contains(".o_airtel_ccp_confirm_number").click();
    expect(".modal").toHaveCount(0);
    expect.verifySteps(["asks", { confirmed_number: "8012345678" }]);
    await contains(".o_airtel_ccp_call").click();
    await waitFor(".o_airtel_ccp_doubt");
    expect.verifySteps(["asks"]);
});
