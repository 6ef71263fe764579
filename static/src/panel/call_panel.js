import { Component, useEffect, useExternalListener, useRef, useState } from "@odoo/owl";
import { ConfirmationDialog } from "@web/core/confirmation_dialog/confirmation_dialog";
import { formatDate } from "@web/core/l10n/dates";
import { useHotkey } from "@web/core/hotkeys/hotkey_hook";
import { _t } from "@web/core/l10n/translation";
import { useService } from "@web/core/utils/hooks";
import { CallerChoices } from "../incoming/caller_choices";
import { IncomingList } from "../incoming/incoming_list";
import { PLAYABLE } from "../player/player_field";
import { CallClock, formatSeconds } from "./call_clock";
import { DialButton } from "./dial_button";
import { useDock } from "./dock";
import { FollowUp } from "./follow_up";
import { isPanelShown } from "./panel_shown";

/** Moves the focus to the panel and back. Alt-Shift would switch the keyboard on Windows. */
export const PANEL_HOTKEY = "alt+y";

/**
 * Returns the appearance of a call: a colour, which the server sends, and an icon.
 *
 * @param {import("../call_service").Call|null} call
 * @returns {{color: string, icon: string}}
 */
export function lookOf(call) {
    if (!call) {
        return { color: "secondary", icon: "fa-list-ul" };
    }
    let icon = call.result === "connected" ? "fa-check" : "fa-times";
    if (call.live) {
        icon = call.state === "in_call" ? "fa-volume-control-phone" : "fa-phone";
    }
    return { color: call.tone, icon };
}

/** The user's live call, else the last one, and the next entry of the call list. */
export class CallPanel extends Component {
    static template = "airtel_ccp.CallPanel";
    static components = { CallClock, CallerChoices, DialButton, FollowUp, IncomingList };
    static props = {};

    setup() {
        this.calls = useService("airtel_ccp.call");
        this.player = useService("airtel_ccp.player");
        this.action = useService("action");
        this.dialog = useService("dialog");
        this.state = useState(this.calls.state);
        this.note = useState(this.calls.note.state);
        this.root = useRef("root");
        // The browser's draft already has the text; this saves it sooner
        useExternalListener(window, "pagehide", () => this.calls.note.save());
        useDock(() => this.isShown);
        useHotkey(PANEL_HOTKEY, () => this.goThereOrBack(), {
            bypassEditableProtection: true,
            global: true,
        });
        useEffect(
            (wish) => {
                if (wish && this.root.el) {
                    (this.root.el.querySelector(wish.selector) ?? this.root.el).focus();
                }
            },
            () => [this.state.focus]
        );
        useEffect(
            (isShown) => {
                const isLost = document.activeElement === document.body;
                if (!isShown && isLost && this.cameFrom?.isConnected) {
                    this.cameFrom.focus();
                }
            },
            () => [this.isShown]
        );
        useEffect(
            (isLive) => {
                if (isLive === false) {
                    this.root.el?.querySelector(".o_airtel_ccp_body")?.scrollTo(0, 0);
                }
            },
            () => [this.call?.live]
        );
        useEffect(
            () => {
                const answer = this.root.el?.querySelector(".o_airtel_ccp_answer");
                answer?.scrollIntoView({ block: "nearest" });
            },
            () => [this.state.answer]
        );
    }

    get call() {
        return this.state.current;
    }

    get isLive() {
        return Boolean(this.call?.live);
    }

    get blacklistTitle() {
        return _t("Puts the number on the phone blacklist");
    }

    get hasContent() {
        return Boolean(this.call || this.state.list.waiting);
    }

    get isShown() {
        return isPanelShown(this.state);
    }

    /**
     * Moves the focus to incoming calls above the page, else to the panel, which opens if it is
     * minimised; the second time, back.
     */
    goThereOrBack() {
        const popup = document.querySelector(".o_airtel_ccp_popup .o_airtel_ccp_incoming_card");
        const place = popup?.closest(".o_airtel_ccp_popup") ?? this.root.el;
        if (place?.contains(document.activeElement)) {
            if (this.cameFrom?.isConnected) {
                this.cameFrom.focus();
            } else {
                document.activeElement.blur();
            }
        } else if (popup) {
            this.cameFrom = document.activeElement;
            popup.focus();
        } else if (this.hasContent) {
            this.cameFrom = document.activeElement;
            this.calls.show();
            this.calls.focus(".o_airtel_ccp_panel");
        }
    }

    get look() {
        return lookOf(this.call);
    }

    get title() {
        if (!this.call) {
            return _t("Call list");
        }
        return this.call.customer || this.call.phone || _t("Number withheld");
    }

    get talked() {
        const { live, result, talk_seconds, talk_unknown } = this.call;
        const isKnown = !live && result === "connected" && !talk_unknown;
        return isKnown ? formatSeconds(talk_seconds) : "";
    }

    /** The previous call, in one line. */
    get lastLine() {
        const { last } = this.call;
        if (!last) {
            return "";
        }
        const date = formatDate(luxon.DateTime.fromMillis(last.date));
        return _t("Last call %(date)s: %(result)s", {
            date,
            result: [last.result, last.outcome].filter(Boolean).join(", "),
        });
    }

    get isIncoming() {
        return this.call.direction === "inbound";
    }

    get needsOutcome() {
        const { result, state, outcome_id } = this.call;
        const connected = state === "in_call" || result === "connected";
        return this.state.requireOutcome && !this.isIncoming && connected && !outcome_id;
    }

    /** The name of the panel's Call button for screen readers. */
    get callAgainTitle() {
        return this.isIncoming ? _t("Call back: %s", this.title) : _t("Call again: %s", this.title);
    }

    get callAgainLabel() {
        return this.isIncoming ? _t("Call back") : _t("Call again");
    }

    get callNextTitle() {
        return _t("Call %s, who is next on your call list", this.state.list.next.name);
    }

    get nextLine() {
        const { name, attempts } = this.state.list.next;
        return attempts
            ? _t("%(name)s (attempt %(number)s)", { name, number: attempts + 1 })
            : name;
    }

    get canListen() {
        const { live, recording } = this.call;
        return this.player.canListen && !live && PLAYABLE.includes(recording);
    }

    listen() {
        const { id, customer, talk_seconds } = this.call;
        const title = this.isIncoming ? _t("Call from %s", customer) : _t("Call to %s", customer);
        this.player.open({ callId: id, title, seconds: talk_seconds });
    }

    openRecord() {
        const { res_model, res_id } = this.call;
        return this.action.doAction({
            type: "ir.actions.act_window",
            res_model,
            res_id,
            views: [[false, "form"]],
        });
    }

    /** Opens the dialog that corrects which record the call was about. */
    async changeRecord() {
        const opening = await this.calls.request("ccp.call", "action_change_record", [
            [this.call.id],
        ]);
        if (opening) {
            await this.action.doAction(opening);
        }
    }

    openNext() {
        const { res_model, res_id } = this.state.list.next;
        return this.action.doAction({
            type: "ir.actions.act_window",
            res_model,
            res_id,
            views: [[false, "form"]],
        });
    }

    confirmOver() {
        if (!this.call.live) {
            return;
        }
        this.dialog.add(ConfirmationDialog, {
            title: _t("Is this call over?"),
            body: _t(
                "Airtel has not reported the end of this call yet. If you hung up, you can end it here and place the next call; a late report still corrects it."
            ),
            confirmLabel: _t("This call is over"),
            confirm: () => this.calls.close(),
            cancelLabel: _t("Go back"),
            cancel: () => {},
        });
    }

    callAgain() {
        return this.calls.call(this.call.res_model, this.call.res_id);
    }

    /** @param {number} outcomeId the outcome that was chosen; choosing it again takes it back */
    chooseOutcome(outcomeId) {
        return this.calls.followingUp.saveOutcome(
            this.call.outcome_id === outcomeId ? false : outcomeId
        );
    }

    /**
     * Moves between the outcomes by arrow keys, like in any group of radio buttons.
     *
     * @param {KeyboardEvent} ev
     */
    onOutcomeKeydown(ev) {
        const forward = ["ArrowRight", "ArrowDown"].includes(ev.key);
        if (!forward && !["ArrowLeft", "ArrowUp"].includes(ev.key)) {
            return;
        }
        ev.preventDefault();
        const buttons = [...ev.currentTarget.querySelectorAll("[role=radio]")];
        const step = forward ? 1 : -1;
        const at = buttons.indexOf(ev.target) + step;
        buttons[(at + buttons.length) % buttons.length].focus();
    }

    /** The outcome that the Tab key focuses: the chosen one, else the first. */
    isTabStop(outcome) {
        const chosen = this.state.outcomes.find(({ id }) => id === this.call.outcome_id);
        return outcome.id === (chosen ?? this.state.outcomes[0]).id;
    }
}
