import { Component, useState } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { useBus, useService } from "@web/core/utils/hooks";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";
import { ListController } from "@web/views/list/list_controller";
import { listView } from "@web/views/list/list_view";
import { reloadRows } from "../history/call_refresh";
import { LIST_CHANGED } from "../panel/call_list";
import { DialButton } from "../panel/dial_button";

/** The page of the rep's call list, which follows the panel. */
export class CallEntriesController extends ListController {
    setup() {
        super.setup();
        this.calls = useService("airtel_ccp.call");
        useBus(this.env.bus, LIST_CHANGED, () => reloadRows(this));
    }

    async afterExecuteActionButton(clickParams) {
        await super.afterExecuteActionButton(clickParams);
        await this.calls.load();
    }
}

/** Calls an entry of the call list from its page. */
export class CallEntry extends Component {
    static template = "airtel_ccp.CallEntry";
    static components = { DialButton };
    static props = { ...standardWidgetProps };

    setup() {
        this.calls = useService("airtel_ccp.call");
        this.state = useState(this.calls.state);
    }

    get entry() {
        return this.props.record.data;
    }

    get isLive() {
        return Boolean(this.state.current?.live);
    }

    get title() {
        return _t("Call %s", this.entry.customer_name);
    }

    call() {
        const { res_model, res_id } = this.entry;
        return this.calls.call(res_model, res_id.resId, null, this.props.record.resId);
    }
}

registry
    .category("views")
    .add("airtel_ccp_call_list_items", { ...listView, Controller: CallEntriesController });
registry.category("view_widgets").add("airtel_ccp_call_entry", {
    component: CallEntry,
    fieldDependencies: [
        { name: "customer_name", type: "char" },
        { name: "res_model", type: "char" },
        { name: "res_id", type: "many2one_reference" },
        { name: "state", type: "selection" },
    ],
});
