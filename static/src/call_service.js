import { reactive } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { ConnectionLostError, RPCError } from "@web/core/network/rpc";
import { registry } from "@web/core/registry";
import { session } from "@web/session";

export const BUS_MESSAGE = "airtel_ccp.call";
/** How long a notice stays on the screen once nobody waits for a phone, in milliseconds. */
export const NOTICE_DELAY = 10000;

const PROGRESS = ["queued", "unknown", "ringing_agent", "ringing_customer", "in_call", "ended"];
// The server says in one sentence what happened and who can mend it; everything else is a fault.
const EXPECTED_ERRORS = [
    "odoo.exceptions.AccessError",
    "odoo.exceptions.MissingError",
    "odoo.exceptions.UserError",
    "odoo.exceptions.ValidationError",
];

/**
 * @typedef {Object} Call
 * @property {number} id id of the `ccp.call`
 * @property {string} state one of `ccp.call`'s states
 * @property {string|false} result one of `ccp.call`'s results, once ended
 * @property {string} res_model
 * @property {number} res_id
 * @property {number|false} partner_id
 * @property {string} message how the call stands, in one sentence for the user
 * @property {string} [headline] the same as last told by the bus
 */

/**
 * Places calls through Airtel CCP and follows them, for users with the right to call. For all
 * others it does nothing: no request, no bus subscription.
 *
 * The server decides and tells; this service only keeps what it was told.
 */
export class CallService {
    /**
     * @param {import("@web/env").OdooEnv} env
     * @param {Object} services
     */
    constructor(env, { bus_service, "mail.store": store, notification, orm }) {
        this.env = env;
        this.bus = bus_service;
        this.store = store;
        this.notification = notification;
        this.orm = orm;
        /** Whether the user may place calls. */
        this.canCall = Boolean(session.airtel_ccp?.can_call);
        this.state = reactive({
            /** @type {Object<number, Call>} calls of this user that the browser knows, by id */
            calls: {},
            /** @type {Call|null} the newest of them */
            current: null,
            /** Whether a click is on its way: no second call may be placed meanwhile. */
            placing: false,
        });
        /** Id of the last bus notification about each call; an older one tells nothing new. */
        this.lastTold = new Map();
        /** The notice on the screen about each call. */
        this.notices = new Map();
        this.closeFailure = () => {};
        if (this.canCall) {
            this.bus.subscribe(BUS_MESSAGE, (call, { id }) => this.onTold(call, id));
            this.bus.start();
        }
    }

    /**
     * Calls the number in a phone field of a saved record. While a call is being placed, further
     * calls are ignored.
     *
     * @param {string} resModel model of the record
     * @param {number} resId id of the record
     * @param {string} fieldName the phone field; the server reads the number from it
     * @returns {Promise<{call_id: number, state: string, message: string}|null>} null when no call
     *  was placed; the user has been told why
     */
    call(resModel, resId, fieldName) {
        return this.onlyOnce(() => this.place(resModel, resId, fieldName));
    }

    /**
     * Saves a record that is open in a view where it has changes, then calls the number in one of
     * its phone fields.
     *
     * @param {import("@web/model/relational_model/record").Record} record
     * @param {string} fieldName the phone field
     * @returns {ReturnType<CallService["call"]>}
     */
    callRecord(record, fieldName) {
        return this.onlyOnce(async () => {
            if (!(await this.save(record))) {
                return null;
            }
            const answer = await this.place(record.resModel, record.resId, fieldName);
            if (answer && "ccp_call_count" in record.activeFields && !(await record.isDirty())) {
                await record.load();
            }
            return answer;
        });
    }

    /**
     * Runs `fn` unless a click is already on its way.
     *
     * @template T
     * @param {() => Promise<T>} fn
     * @returns {Promise<T|null>}
     */
    async onlyOnce(fn) {
        if (!this.canCall || this.state.placing) {
            return null;
        }
        this.state.placing = true;
        try {
            return await fn();
        } finally {
            this.state.placing = false;
        }
    }

    /**
     * Makes sure that the server knows the number that the user sees.
     *
     * @param {import("@web/model/relational_model/record").Record} record
     * @returns {Promise<boolean>} whether it does
     */
    async save(record) {
        if (!record.isNew && !(await record.isDirty())) {
            return true;
        }
        if (!record.canSaveOnUpdate) {
            this.tellFailure(_t("This number is not saved yet: save your changes, then call."));
            return false;
        }
        return record.save();
    }

    async place(resModel, resId, fieldName) {
        let answer;
        try {
            answer = await this.orm.call("ccp.call", "place", [resModel, resId, fieldName]);
        } catch (error) {
            if (error instanceof RPCError && EXPECTED_ERRORS.includes(error.exceptionName)) {
                this.tellFailure(error.data.message);
                return null;
            }
            if (error instanceof ConnectionLostError) {
                this.tellFailure(
                    _t(
                        "The connection was lost while your call was being placed: if your " +
                            "phone rings, pick up; otherwise try again in a few minutes."
                    )
                );
            }
            throw error;
        }
        this.closeFailure();
        this.onAnswered(answer, resModel, resId);
        return answer;
    }

    /**
     * Takes over what the server answered to the click, unless the bus was faster and told more.
     */
    onAnswered({ call_id, state, message }, resModel, resId) {
        const known = this.state.calls[call_id];
        if (known && PROGRESS.indexOf(known.state) > PROGRESS.indexOf(state)) {
            return;
        }
        this.keep({
            result: false,
            res_model: resModel,
            res_id: resId,
            ...known,
            id: call_id,
            state,
            message,
        });
        this.tell(this.state.calls[call_id]);
        if (!known) {
            this.reloadChatters(this.state.calls[call_id]);
        }
    }

    /**
     * Takes over what the server tells about a call.
     *
     * @param {Call & {store_data?: Object}} payload `store_data` holds the messages of the
     *  chatter that tell the call
     * @param {number} notificationId
     */
    onTold({ store_data, ...call }, notificationId) {
        if (notificationId < this.lastTold.get(call.id)) {
            return;
        }
        this.lastTold.set(call.id, notificationId);
        const known = this.state.calls[call.id];
        // The answer to the click says more than the bus about the same state
        const isNews =
            known?.state !== call.state ||
            known?.result !== call.result ||
            Boolean(known.headline && known.headline !== call.message);
        this.keep({
            ...call,
            headline: call.message,
            message: isNews ? call.message : known.message,
        });
        if (isNews) {
            this.tell(this.state.calls[call.id]);
        }
        if (store_data) {
            this.updateChatters(store_data);
        } else {
            this.reloadChatters(call);
        }
    }

    /** Keeps a call, and forgets older ones that are over, with their notices. */
    keep(call) {
        const { calls } = this.state;
        for (const other of Object.values(calls)) {
            if (other.id < call.id && ["ended", "refused"].includes(other.state)) {
                delete calls[other.id];
                this.lastTold.delete(other.id);
                this.notices.get(other.id)?.close();
                this.notices.delete(other.id);
            }
        }
        calls[call.id] = { ...calls[call.id], ...call };
        const newest = Math.max(...Object.keys(calls));
        this.state.current = calls[newest];
    }

    /**
     * Shows how a call stands, in place of what was shown about it before. A notice that the user
     * closed comes back only when the call has ended.
     *
     * @param {Call} call
     */
    tell(call) {
        if (call.state === "refused") {
            this.tellFailure(call.message);
            return;
        }
        const former = this.notices.get(call.id);
        if (former?.isClosed && call.state !== "ended") {
            return;
        }
        former?.close();
        const notice = { isClosed: false };
        notice.close = this.notification.add(call.message, {
            autocloseDelay: NOTICE_DELAY,
            className: "o_airtel_ccp_notice",
            sticky: !["in_call", "ended"].includes(call.state),
            type: this.tone(call),
            onClose: () => {
                notice.isClosed = true;
            },
        });
        this.notices.set(call.id, notice);
    }

    /** @param {Call} call */
    tone({ state, result }) {
        if (state !== "ended") {
            return state === "unknown" ? "warning" : "info";
        }
        if (result === "connected") {
            return "success";
        }
        return ["failed", "no_report"].includes(result) ? "danger" : "warning";
    }

    /** Shows why no call was placed, in place of the last such sentence. */
    tellFailure(message) {
        this.closeFailure();
        this.closeFailure = this.notification.add(message, {
            className: "o_airtel_ccp_notice",
            sticky: true,
            type: "danger",
        });
    }

    /**
     * Brings open chatters up to date with the messages that tell a call: known ones get their
     * new text, new ones are added.
     *
     * @param {Object} storeData messages in the format of `mail.store`
     */
    updateChatters(storeData) {
        this.store.insert(storeData);
        for (const { id } of storeData["mail.message"] ?? []) {
            const message = this.store["mail.message"].get(id);
            const thread = message?.thread;
            if (thread?.isLoaded && !thread.loadNewer && message.notIn(thread.messages)) {
                thread.messages.add(message);
                thread.messages.sort((m1, m2) => m1.id - m2.id);
            }
        }
    }

    /**
     * Lets the chatters of the called record and of its contact, where open, fetch new messages.
     *
     * @param {Call} call
     */
    reloadChatters({ res_model, res_id, partner_id }) {
        this.env.bus.trigger("MAIL:RELOAD-THREAD", { model: res_model, id: res_id });
        if (partner_id && res_model !== "res.partner") {
            this.env.bus.trigger("MAIL:RELOAD-THREAD", { model: "res.partner", id: partner_id });
        }
    }
}

export const callService = {
    dependencies: ["bus_service", "mail.store", "notification", "orm"],
    start(env, services) {
        return new CallService(env, services);
    },
};

registry.category("services").add("airtel_ccp.call", callService);
