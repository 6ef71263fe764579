import { registry } from "@web/core/registry";
import { ListController } from "@web/views/list/list_controller";
import { listView } from "@web/views/list/list_view";
import { SetupBanner } from "./setup_banner";

/** The list of calls, with the way to the set-up while nobody can call. */
export class CallListController extends ListController {
    static template = "airtel_ccp.CallListView";
    static components = { ...ListController.components, SetupBanner };
}

registry
    .category("views")
    .add("airtel_ccp_call_list", { ...listView, Controller: CallListController });
