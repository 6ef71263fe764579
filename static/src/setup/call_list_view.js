import { registry } from "@web/core/registry";
import { ListController } from "@web/views/list/list_controller";
import { listView } from "@web/views/list/list_view";
import { reloadRows, useCallRefresh } from "../history/call_refresh";
import { SetupBanner } from "./setup_banner";

/** The list of calls, which follows live calls and leads to the set-up while nobody can call. */
export class CallListController extends ListController {
    static template = "airtel_ccp.CallListView";
    static components = { ...ListController.components, SetupBanner };

    setup() {
        super.setup();
        useCallRefresh(async () => {
            // A reload would lose the selection
            if (!this.model.root.selection?.length) {
                await reloadRows(this);
            }
        });
    }
}

registry
    .category("views")
    .add("airtel_ccp_call_list", { ...listView, Controller: CallListController });
