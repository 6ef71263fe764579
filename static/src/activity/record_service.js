import { registry } from "@web/core/registry";

/** The bus message that messages or activities of a record changed. */
export const RECORD_MESSAGE = "airtel_ccp.record";

/** Reloads activities and messages of open chatters when a call changed them. */
export const recordService = {
    dependencies: ["airtel_ccp.call", "bus_service", "mail.store"],
    start(_env, { "airtel_ccp.call": calls, bus_service: bus, "mail.store": store }) {
        if (!calls.canCall) {
            return;
        }
        bus.subscribe(RECORD_MESSAGE, ({ res_model, res_id }) => {
            const thread = store.Thread.get({ model: res_model, id: res_id });
            return thread?.fetchThreadData(["activities", "messages"]);
        });
    },
};

registry.category("services").add("airtel_ccp.record", recordService);
