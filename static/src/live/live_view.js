import { Component, useEffect, useState } from "@odoo/owl";
import { browser } from "@web/core/browser/browser";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { useBus, useService } from "@web/core/utils/hooks";
import { standardActionServiceProps } from "@web/webclient/actions/action_service";
import { sentenceOf } from "../errors";
import { CallClock } from "../panel/call_clock";

const CHANNEL = "airtel_ccp.live";
/** The shortest time between two requests, however many calls change, in milliseconds. */
export const PAUSE = 1000;
/** How often to ask while the bus is lost, in milliseconds. */
export const POLL = 5000;

/** Who is calling whom right now. */
export class LiveView extends Component {
    static template = "airtel_ccp.LiveView";
    static components = { CallClock };
    static props = { ...standardActionServiceProps };

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.bus = useService("bus_service");
        this.state = useState({ calls: null, offset: 0, failed: "", lost: false });
        const onChange = () => this.loadSoon();
        const onLost = () => (this.state.lost = true);
        const onBack = () => {
            this.state.lost = false;
            this.loadSoon();
        };
        useBus(this.bus, "BUS:DISCONNECT", onLost);
        useBus(this.bus, "BUS:RECONNECTING", onLost);
        useBus(this.bus, "BUS:CONNECT", onBack);
        useBus(this.bus, "BUS:RECONNECT", onBack);
        // In an effect: a component that is dropped before it is mounted would never unsubscribe
        useEffect(
            () => {
                this.bus.subscribe(CHANNEL, onChange);
                this.bus.addChannel(CHANNEL);
                this.load();
                const poll = browser.setInterval(() => {
                    if (this.state.lost || this.state.failed) {
                        this.load();
                    }
                }, POLL);
                return () => {
                    this.bus.unsubscribe(CHANNEL, onChange);
                    this.bus.deleteChannel(CHANNEL);
                    browser.clearInterval(poll);
                    browser.clearTimeout(this.timeout);
                };
            },
            () => []
        );
    }

    /** All leaders are notified at once; a random pause spreads their requests. */
    loadSoon() {
        this.timeout ??= browser.setTimeout(
            () => {
                this.timeout = undefined;
                this.load();
            },
            PAUSE * (1 + Math.random() / 2)
        );
    }

    async load() {
        try {
            const { calls, now } = await this.orm.silent.call("ccp.dashboard", "live");
            Object.assign(this.state, { calls, offset: now - Date.now(), failed: "" });
        } catch (error) {
            const sentence = sentenceOf(error);
            const isNew = !this.state.failed;
            this.state.failed = sentence ?? _t("The calls could not be loaded.");
            // A fault is reported once, not with every attempt
            if (sentence === undefined && isNew) {
                throw error;
            }
        }
    }

    openCall(call) {
        return this.action.doAction({
            type: "ir.actions.act_window",
            res_model: "ccp.call",
            res_id: call.id,
            views: [[false, "form"]],
        });
    }

    async openRecord(call) {
        return this.action.doAction(
            await this.orm.call("ccp.call", "action_open_record", [[call.id]])
        );
    }
}

registry.category("actions").add("airtel_ccp.live", LiveView);
