import { registry } from "@web/core/registry";
import { FormController } from "@web/views/form/form_controller";
import { formView } from "@web/views/form/form_view";
import { useCallRefresh } from "./call_refresh";

/** The form of a call, which follows the call while it is live. */
export class CallFormController extends FormController {
    setup() {
        super.setup();
        useCallRefresh(async () => {
            const { root } = this.model;
            if (root.resId && root.data.state !== "ended") {
                await root.load();
            }
        });
    }
}

registry
    .category("views")
    .add("airtel_ccp_call_form", { ...formView, Controller: CallFormController });
