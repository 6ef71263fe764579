import { browser } from "@web/core/browser/browser";
import { registry } from "@web/core/registry";

/** How long to gather changes, because reports of a call come in bursts, in milliseconds. */
export const CARD_DELAY = 100;

/**
 * Keeps the chatter cards in this browser up to date. The bus only says which messages changed;
 * their text is loaded from the server, because it depends on the reader.
 */
export class CardService {
    constructor(store) {
        this.store = store;
        this.waiting = new Set();
        this.timeout = null;
    }

    /**
     * @param {Object} call the records with its cards: `res_model`, `res_id` and `partner_id`
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
            // Not from a read replica, which may lag behind the bus
            await this.store.fetchStoreData("airtel_ccp.cards", ids, { readonly: false });
        } catch {
            // They are loaded with the next change, or when the record is opened again
            return;
        }
        for (const id of ids) {
            this.place(this.store["mail.message"].get(id));
        }
    }

    /** Adds a new message to the open chatter that it belongs to. */
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
