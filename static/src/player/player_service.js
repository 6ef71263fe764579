import { reactive } from "@odoo/owl";
import { registry } from "@web/core/registry";
import { session } from "@web/session";

/**
 * @typedef {Object} Track
 * @property {number} callId
 * @property {string} title
 * @property {number} seconds how long they talked; 0 when it is not known
 */

/** Plays one recording at a time, and knows which one is in the bar. */
export class PlayerService {
    constructor() {
        this.canListen = Boolean(session.airtel_ccp?.can_listen);
        this.canDownload = Boolean(session.airtel_ccp?.can_download);
        /** @type {{track: Track|null, playingId: number|false}} */
        this.state = reactive({ track: null, playingId: false });
        this.playing = null;
        this.inBar = null;
    }

    /**
     * Plays in the bar; the recording that is there already pauses or goes on.
     *
     * @param {Track} track
     */
    open(track) {
        if (this.state.track?.callId === track.callId && this.inBar) {
            this.inBar.toggle();
        } else {
            this.state.track = track;
        }
    }

    close() {
        this.state.track = null;
    }

    /**
     * Silences the player that plays, for another one.
     *
     * @param {import("./call_player").CallPlayer} player
     */
    take(player) {
        if (this.playing && this.playing !== player) {
            this.playing.pause();
        }
        this.playing = player;
        this.state.playingId = player.props.callId;
    }

    /** @param {import("./call_player").CallPlayer} player that fell silent */
    release(player) {
        if (this.playing === player) {
            this.playing = null;
            this.state.playingId = false;
        }
    }
}

export const playerService = {
    start() {
        return new PlayerService();
    },
};

registry.category("services").add("airtel_ccp.player", playerService);
