import { CompanyPicker } from "./company_picker";
import { DoubtQuestion } from "./doubt_question";
import { NumberPicker } from "./number_picker";
import { OverrideQuestion } from "./override_question";
import { RecordingQuestion } from "./recording_question";

/** Asks the user in dialogs what the server must know before it can call. */
export class Questions {
    /** @param {import("services").ServiceFactories["dialog"]} dialog */
    constructor(dialog) {
        this.dialog = dialog;
    }

    /**
     * @param {Object} questions the answer of `ccp.call.place` if it placed no call
     * @param {{choice: string|null, options: Object}} said gets the user's answers
     * @returns {Promise<boolean>} false if the user closed a question
     */
    async settle({ companies, choices, record, doubtful, override }, said) {
        const { options } = said;
        if (companies) {
            options.company_id = await this.ask(CompanyPicker, { companies });
            return Boolean(options.company_id);
        }
        if (choices) {
            const chosen = await this.ask(NumberPicker, { choices, record });
            said.choice = chosen?.key;
            options.record ??= chosen?.record;
            return Boolean(chosen);
        }
        if (record) {
            options.record = (await this.ask(RecordingQuestion, { record })) ?? undefined;
            return options.record !== undefined;
        }
        if (doubtful) {
            options.confirmed_number = await this.ask(DoubtQuestion, { doubtful });
            return Boolean(options.confirmed_number);
        }
        if (override && !options.override_reason) {
            options.override_reason = await this.ask(OverrideQuestion, { override });
            return Boolean(options.override_reason);
        }
        return false;
    }

    /**
     * Asks the user something in a dialog.
     *
     * @template T
     * @param {typeof import("@odoo/owl").Component} Dialog calls its prop `choose` with the answer
     * @param {Object} props
     * @returns {Promise<T|null>} null if the user closed it
     */
    ask(Dialog, props) {
        return new Promise((resolve) => {
            this.dialog.add(
                Dialog,
                { ...props, choose: resolve },
                { onClose: () => resolve(null) }
            );
        });
    }
}
