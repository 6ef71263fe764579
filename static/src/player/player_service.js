import { reactive } from "@odoo/owl";
import { registry } from "@web/core/registry";
import { session } from "@web/session";

/**
 * @typedef {Object} Track
 * @property {number} callId
 * @property {string} title
 * @property {number} seconds how long they talked; 0 if unknown
 */

/** Plays one recording at a time, and stores which one is in the bar. */
export class PlayerService {
    constructor() {
        this.canListen = Boolean(session.airtel_ccp?.can_listen);
        this.canDownload = Boolean(session.airtel_ccp?.can_download);
        /**
         * @type {{track: Track|null, playingId: number|false, statusId: number|false,
         *     fetched: Object<number, boolean>}} the recording in the bar, the one that plays, the
         *     one whose player shows a status, and those that are fetched, as they played here
         */
        this.state = reactive({ track: null, playingId: false, statusId: false, fetched: {} });
        this.playing = null;
        this.inBar = null;
    }

    /**
     * Plays a recording in the bar; if it is there already, pauses or resumes it.
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
     * Stops the present player, because another one starts.
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

    /**
     * @param {import("./call_player").CallPlayer} player
     * @param {boolean} hasStatus whether it shows what it waits for, or what is wrong
     */
    setStatus(player, hasStatus) {
        const { callId } = player.props;
        if (hasStatus) {
            this.state.statusId = callId;
        } else if (this.state.statusId === callId) {
            this.state.statusId = false;
        }
    }

    /** @param {import("./call_player").CallPlayer} player that plays */
    setFetched(player) {
        this.state.fetched[player.props.callId] = true;
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
