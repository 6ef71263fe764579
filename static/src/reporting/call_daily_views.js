import { Domain } from "@web/core/domain";
import { registry } from "@web/core/registry";
import { GraphRenderer } from "@web/views/graph/graph_renderer";
import { graphView } from "@web/views/graph/graph_view";
import { PivotRenderer } from "@web/views/pivot/pivot_renderer";
import { pivotView } from "@web/views/pivot/pivot_view";

/**
 * Opens the calls behind a figure: each field of the report exists on calls with the same name.
 *
 * @param {Object} renderer the report's renderer
 * @param {Array|string} domain the report's rows
 * @param {Object} context the action's context
 * @param {boolean} newWindow whether to open a new window
 */
function openCalls(renderer, domain, context, newWindow) {
    const calls = Domain.and([[["trial", "=", false]], domain]);
    return renderer.actionService.doAction(
        {
            type: "ir.actions.act_window",
            name: renderer.model.metaData.title,
            res_model: "ccp.call",
            views: [
                [false, "list"],
                [false, "form"],
            ],
            target: "current",
            context,
            domain: calls.toString(),
        },
        { newWindow, viewType: "list" }
    );
}

export class CallDailyPivotRenderer extends PivotRenderer {
    openView(domain, views, context, newWindow) {
        return openCalls(this, domain, context, newWindow);
    }
}

export class CallDailyGraphRenderer extends GraphRenderer {
    openView(domain, views, context, newWindow) {
        return openCalls(this, domain, context, newWindow);
    }
}

registry
    .category("views")
    .add("airtel_ccp_call_daily_pivot", { ...pivotView, Renderer: CallDailyPivotRenderer })
    .add("airtel_ccp_call_daily_graph", { ...graphView, Renderer: CallDailyGraphRenderer });
