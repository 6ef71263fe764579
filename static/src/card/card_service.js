import { browser } from "@web/core/browser/browser";
import { registry } from "@web/core/registry";

/** Reports of a call come in bursts: how long the service gathers what changed, in milliseconds. */
export const CARD_DELAY = 100;

/**
 * Keeps the chatter cards that this browser shows up to date. The bus only says which messages
 * changed; their text is read from the server, for each reader.
 */
export class CardService {
    constructor(store) {
        this.store = store;
        this.waiting = new Set();
        this.timeout = null;
    }

    /**
     * @param {Object} call where its cards are: `res_model`, `res_id` and `partner_id`
     * @param {number[]} ids the messages that are new or changed
     */
    follow({ res_model, res_id, partner_id }, ids) {
        const threads = [
            { model: res_model, id: res_id },
            { model: "res.partner", id: partner_id },
        ];
        const isOpen = threads.some(
            ({ model, id }) => id && this.store.Thread.get({ model, id })?.isLoaded
        );
        for (const id of ids) {
            if (isOpen || this.store["mail.message"].get(id)) {
                this.waiting.add(id);
            }
        }
        if (this.waiting.size && !this.timeout) {
            this.timeout = browser.setTimeout(() => this.fetch(), CARD_DELAY);
        }
    }

    async fetch() {
        const ids = [...this.waiting];
        this.waiting.clear();
        this.timeout = null;
        try {
            // Not from a read replica: it may lag behind the bus
            await this.store.fetchStoreData("airtel_ccp.cards", ids, { readonly: false });
        } catch {
            // The next change, or opening the record again, loads them
            return;
        }
        for (const id of ids) {
            this.place(this.store["mail.message"].get(id));
        }
    }

    /** Adds a message that the browser did not know to the open chatter it belongs to. */
    place(message) {
        const thread = message?.thread;
        if (thread?.isLoaded && !thread.loadNewer && message.notIn(thread.messages)) {
            thread.messages.add(message);
            thread.messages.sort((m1, m2) => m1.id - m2.id);
        }
    }
}

export const cardService = {
    dependencies: ["mail.store"],
    start(env, { "mail.store": store }) {
        return new CardService(store);
    },
};

registry.category("services").add("airtel_ccp.card", cardService);
