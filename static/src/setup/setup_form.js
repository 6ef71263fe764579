import { useEffect } from "@odoo/owl";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { FormController } from "@web/views/form/form_controller";
import { formView } from "@web/views/form/form_view";
import { BUS_MESSAGE } from "../call_service";

/** The set-up page: its last step follows the test call. */
export class SetupFormController extends FormController {
    setup() {
        super.setup();
        const bus = useService("bus_service");
        const follow = async () => {
            const { root } = this.model;
            if (root.resId && !(await root.isDirty())) {
                await root.load();
            }
        };
        // In an effect: a component that is dropped before it is mounted would never unsubscribe
        useEffect(
            () => {
                bus.subscribe(BUS_MESSAGE, follow);
                return () => bus.unsubscribe(BUS_MESSAGE, follow);
            },
            () => []
        );
    }
}

registry
    .category("views")
    .add("airtel_ccp_setup", { ...formView, Controller: SetupFormController });
