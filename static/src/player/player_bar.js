import { Component, useState } from "@odoo/owl";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { CallPlayer } from "./call_player";

/** Plays a recording that was started in a list or the chatter, even after the page changes. */
export class PlayerBar extends Component {
    static template = "airtel_ccp.PlayerBar";
    static components = { CallPlayer };
    static props = {};

    setup() {
        this.player = useService("airtel_ccp.player");
        this.state = useState(this.player.state);
    }
}

registry.category("main_components").add("airtel_ccp.PlayerBar", { Component: PlayerBar });
