import { registry } from "@web/core/registry";
import { IncomingMenu } from "../incoming/incoming_menu";
import { IncomingPopup } from "../incoming/incoming_popup";
import { CallPanel } from "./call_panel";
import { CallSystray } from "./call_systray";

/** Shows the panel to users who can call; for others no component is loaded. */
export const panelService = {
    dependencies: ["airtel_ccp.call"],
    start(env, { "airtel_ccp.call": calls }) {
        if (calls.canCall) {
            registry
                .category("main_components")
                .add("airtel_ccp.CallPanel", { Component: CallPanel }, { force: true });
            registry
                .category("main_components")
                .add("airtel_ccp.IncomingPopup", { Component: IncomingPopup }, { force: true });
            registry
                .category("systray")
                .add(
                    "airtel_ccp.IncomingMenu",
                    { Component: IncomingMenu },
                    { force: true, sequence: 27 }
                )
                .add(
                    "airtel_ccp.CallSystray",
                    { Component: CallSystray },
                    { force: true, sequence: 26 }
                );
        }
    },
};

registry.category("services").add("airtel_ccp.panel", panelService);
