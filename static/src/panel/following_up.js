import { _t } from "@web/core/l10n/translation";

/** The rep's decisions in the panel about a call: its outcome, and the next call. */
export class FollowingUp {
    /** @param {import("../call_service").CallService} calls */
    constructor(calls) {
        this.calls = calls;
    }

    /**
     * Saves the call's outcome; asks first if its effects need a confirmation.
     *
     * @param {number|false} outcomeId false removes the outcome
     * @param {boolean} [isConfirmed] whether the user confirmed
     */
    async saveOutcome(outcomeId, isConfirmed = false) {
        const { current } = this.calls.state;
        const former = current.outcome_id;
        this.calls.state.confirmation = null;
        current.outcome_id = outcomeId;
        const args = [current.id, outcomeId, ...(isConfirmed ? [true] : [])];
        const saved = await this.calls.request("ccp.panel", "save_outcome", args);
        if (!saved || saved.confirm) {
            current.outcome_id = former;
            if (saved && this.calls.state.current?.id === current.id) {
                this.calls.state.confirmation = { outcomeId, sentence: saved.confirm };
                this.calls.focus(".o_airtel_ccp_confirm_no");
            }
            return;
        }
        current.outcome_id = saved.outcome_id;
        // An earlier refusal may have asked for this outcome
        this.calls.closeFailure();
        const said = [saved.notice, saved.warning].filter(Boolean).join(" ");
        if (said) {
            this.calls.say(said, saved.warning ? "warning" : "success");
        }
    }

    /** @param {boolean} yes whether the outcome in question is to be saved */
    async answerConfirmation(yes) {
        const { outcomeId } = this.calls.state.confirmation;
        this.calls.state.confirmation = null;
        this.calls.focus(`.o_airtel_ccp_outcome[data-outcome='${outcomeId}']`);
        if (yes) {
            await this.saveOutcome(outcomeId, true);
        }
    }

    /** @returns {Promise<{key: string, when: string, label: string}[]>} see `ccp.panel` */
    async times() {
        const { id } = this.calls.state.current;
        return (await this.calls.request("ccp.panel", "follow_up_times", [id], false)) ?? [];
    }

    /**
     * Plans a Call activity on the record that was called, and replaces the one planned before.
     *
     * @param {string} when `hour`, `tomorrow`, or a time in UTC in the server's format
     * @returns {Promise<boolean>} whether it is planned
     */
    async plan(when) {
        const { id } = this.calls.state.current;
        const planned = await this.calls.request("ccp.panel", "follow_up", [
            id,
            when,
            this.calls.note.text,
        ]);
        if (planned) {
            this.calls.say(planned.sentence, planned.outside ? "warning" : "success");
        }
        return Boolean(planned);
    }

    /**
     * Deletes the activity that was planned after the call.
     *
     * @returns {Promise<boolean>} whether it is deleted
     */
    async takeBack() {
        const { id } = this.calls.state.current;
        const isTaken = await this.calls.request("ccp.panel", "take_back_follow_up", [id]);
        if (isTaken) {
            this.calls.say(_t("The follow-up is cancelled."), "success");
        }
        return Boolean(isTaken);
    }

    /** Reloads the panel. */
    async read() {
        await this.calls.load();
    }
}
