import { useEffect } from "@odoo/owl";
import { browser } from "@web/core/browser/browser";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { FormController } from "@web/views/form/form_controller";
import { formView } from "@web/views/form/form_view";
import { KanbanController } from "@web/views/kanban/kanban_controller";
import { kanbanView } from "@web/views/kanban/kanban_view";
import { ListController } from "@web/views/list/list_controller";
import { listView } from "@web/views/list/list_view";
import { reloadRows } from "../history/call_refresh";

/** The bus message that call-backs changed which the user may have to make. */
export const CALLBACKS_MESSAGE = "airtel_ccp.callbacks";
/** The shortest time between two reloads, however many call-backs change, in milliseconds. */
export const PAUSE = 1000;

/**
 * Reloads a view of call-backs when they change, as long as it is shown.
 *
 * @param {() => Promise<void>} reload
 */
function useCallbackRefresh(reload) {
    const bus = useService("bus_service");
    let timeout;
    const onChanged = () => {
        timeout ??= browser.setTimeout(
            () => {
                timeout = undefined;
                reload();
            },
            // All browsers of a team are notified at once; a random pause spreads their requests
            PAUSE * (0.5 + Math.random() / 2)
        );
    };
    useEffect(
        () => {
            bus.subscribe(CALLBACKS_MESSAGE, onChanged);
            return () => {
                browser.clearTimeout(timeout);
                bus.unsubscribe(CALLBACKS_MESSAGE, onChanged);
            };
        },
        () => []
    );
}

export class CallbackListController extends ListController {
    setup() {
        super.setup();
        useCallbackRefresh(() => reloadRows(this));
    }
}

export class CallbackKanbanController extends KanbanController {
    setup() {
        super.setup();
        useCallbackRefresh(() => reloadRows(this));
    }
}

export class CallbackFormController extends FormController {
    setup() {
        super.setup();
        useCallbackRefresh(async () => {
            if (this.model.root.resId) {
                await this.model.root.load();
            }
        });
    }
}

registry
    .category("views")
    .add("airtel_ccp_callback_list", { ...listView, Controller: CallbackListController })
    .add("airtel_ccp_callback_kanban", { ...kanbanView, Controller: CallbackKanbanController })
    .add("airtel_ccp_callback_form", { ...formView, Controller: CallbackFormController });
