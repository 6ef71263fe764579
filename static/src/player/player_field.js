import { Component, useState } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { standardFieldProps } from "@web/views/fields/standard_field_props";
import { CallPlayer } from "./call_player";

/** States in which there is a recording to play. */
export const PLAYABLE = ["pending", "at_airtel", "stored"];

/** The state of a call's recording: a player, or why there is none. */
export class PlayerField extends Component {
    static template = "airtel_ccp.PlayerField";
    static components = { CallPlayer };
    static props = { ...standardFieldProps };

    setup() {
        this.player = useService("airtel_ccp.player");
        this.state = useState(this.player.state);
    }

    get value() {
        return this.props.record.data[this.props.name];
    }

    get isPlayable() {
        return Boolean(this.props.record.resId && PLAYABLE.includes(this.value));
    }

    get title() {
        return this.props.record.data.display_name || "";
    }

    get seconds() {
        return this.props.record.data.talk_seconds || 0;
    }

    get stateLabel() {
        const { selection } = this.props.record.fields[this.props.name];
        return selection.find(([value]) => value === this.value)?.[1] ?? "";
    }

    /** Whether the bar plays this recording already: one player is enough. */
    get isInBar() {
        return this.state.track?.callId === this.props.record.resId;
    }

    get words() {
        if (!this.isPlayable) {
            return this.stateLabel;
        }
        if (!this.player.canListen) {
            return _t("Recorded; you may not listen to it.");
        }
        if (this.isInBar) {
            return _t("This recording is open in the player bar.");
        }
        // Only what went wrong is shown: "press play" beside it would promise too much
        if (!this.isMissing || this.error || this.state.statusId === this.props.record.resId) {
            return "";
        }
        return this.value === "pending"
            ? _t("Being prepared. Press play, and it starts as soon as it is here.")
            : _t("The recording is at Airtel. Press play, and it starts as soon as it is here.");
    }

    /** Whether Odoo is not known to have a copy yet. */
    get isMissing() {
        return this.value !== "stored" && !this.state.fetched[this.props.record.resId];
    }

    get error() {
        const isSaid = this.state.statusId === this.props.record.resId;
        const isOpen = this.isMissing || !this.isPlayable;
        return isOpen && !isSaid && this.props.record.data.recording_problem;
    }
}

/** A button that plays in the bar, for rows and cards. */
export class CompactPlayerField extends PlayerField {
    static template = "airtel_ccp.CompactPlayerField";

    get isPlaying() {
        return this.state.playingId === this.props.record.resId;
    }

    get buttonLabel() {
        return this.isPlaying ? _t("Pause") : _t("Listen to the recording");
    }

    get shortWords() {
        return this.isPlayable ? _t("Recorded") : this.stateLabel;
    }

    listen() {
        this.player.open({
            callId: this.props.record.resId,
            title: this.title,
            seconds: this.seconds,
        });
    }
}

const field = {
    displayName: _t("Player of the call's recording"),
    supportedTypes: ["selection"],
    fieldDependencies: [
        { name: "display_name", type: "char" },
        { name: "talk_seconds", type: "integer" },
    ],
};

export const playerField = {
    ...field,
    component: PlayerField,
    fieldDependencies: [...field.fieldDependencies, { name: "recording_problem", type: "char" }],
};
export const compactPlayerField = { ...field, component: CompactPlayerField };

registry
    .category("fields")
    .add("ccp_player", playerField)
    .add("list.ccp_player", compactPlayerField)
    .add("kanban.ccp_player", compactPlayerField);
