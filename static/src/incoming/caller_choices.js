import { Component, useState } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { useService } from "@web/core/utils/hooks";
import { useDebounced } from "@web/core/utils/timing";

/** How long the typing must pause before the server is asked, in milliseconds. */
export const SEARCH_DELAY = 250;
const SHORTEST = 2;

/** The customer of an incoming call: the likely records, a new one, or a search for others. */
export class CallerChoices extends Component {
    static template = "airtel_ccp.CallerChoices";
    static props = {
        entry: Object,
        isInert: { type: Boolean, optional: true },
    };
    static defaultProps = { isInert: false };

    setup() {
        this.incoming = useService("airtel_ccp.call").incoming;
        this.state = useState({ isSearching: false, isBusy: false, found: null, typed: "" });
        this.search = useDebounced(() => this.find(), SEARCH_DELAY);
    }

    get entry() {
        return this.props.entry;
    }

    get isUnknown() {
        return this.entry.known === false;
    }

    get candidates() {
        return this.entry.candidates ?? [];
    }

    get otherLabel() {
        return this.isUnknown ? _t("Belongs to ...") : _t("Belongs to somebody else ...");
    }

    get searchId() {
        return `o_airtel_ccp_belongs_to_${this.entry.id}`;
    }

    /**
     * Runs a click's request, one at a time. The button stays enabled, or it would lose the
     * focus.
     *
     * @param {() => Promise<any>} act
     */
    async once(act) {
        if (this.props.isInert || this.state.isBusy) {
            return;
        }
        this.state.isBusy = true;
        try {
            await act();
        } finally {
            this.state.isBusy = false;
        }
    }

    make(method) {
        return this.once(() => this.incoming.make(this.entry, method));
    }

    /** @param {{model: string, id: number}} record */
    choose(record) {
        return this.once(async () => {
            if (await this.incoming.choose(this.entry, record)) {
                Object.assign(this.state, { isSearching: false, found: null, typed: "" });
            }
        });
    }

    toggleSearch() {
        if (!this.props.isInert) {
            this.state.isSearching = !this.state.isSearching;
        }
    }

    onType(ev) {
        this.state.typed = ev.target.value;
        this.search();
    }

    async find() {
        const { typed } = this.state;
        if (typed.trim().length < SHORTEST) {
            this.state.found = null;
            return;
        }
        const args = [this.entry.id, typed];
        const found = await this.incoming.request(this.entry, "find_records", args);
        if (typed === this.state.typed) {
            this.state.found = found ?? null;
        }
    }
}
