import {
    Component,
    onMounted,
    onWillUnmount,
    useExternalListener,
    useRef,
    useState,
} from "@odoo/owl";
import { browser } from "@web/core/browser/browser";
import { _t } from "@web/core/l10n/translation";
import { useService } from "@web/core/utils/hooks";
import { formatSeconds } from "../panel/call_clock";
import {
    SPEEDS,
    recallPosition,
    recallSpeed,
    rememberPosition,
    rememberSpeed,
} from "./player_memory";

/** How many seconds one skip moves. */
export const SKIP = 10;
/** After how many seconds of playing the position is stored again. */
const REMEMBER_EVERY = 5;
/** While there is nothing to play yet: the most seconds between two requests, and in all. */
const ASK_EVERY = 10;
const WAIT = 300;
/** How often a recording that had to be fetched is started before it counts as broken. */
const STARTS = 3;

/**
 * Plays the recording of one call. It sends no request before the user presses play, because the
 * server logs who listened, and fetches a missing recording. While the server fetches it, or
 * serves too many listeners, the player asks again, and then plays by itself.
 */
export class CallPlayer extends Component {
    static template = "airtel_ccp.CallPlayer";
    static props = {
        callId: Number,
        /** The call's title, for screen readers. */
        title: { type: String, optional: true },
        /** How long they talked: shown until the recording's length is known. */
        seconds: { type: Number, optional: true },
        autoplay: { type: Boolean, optional: true },
        isInBar: { type: Boolean, optional: true },
    };
    static defaultProps = { title: "", seconds: 0, autoplay: false, isInBar: false };

    setup() {
        this.player = useService("airtel_ccp.player");
        this.audio = useRef("audio");
        this.root = useRef("root");
        this.speeds = SPEEDS;
        this.skipSeconds = SKIP;
        this.remembered = recallPosition(this.props.callId);
        this.state = useState({
            isPlaying: false,
            isLoading: false,
            position: this.remembered,
            duration: this.props.seconds,
            speed: recallSpeed(),
            problem: "",
            /** What the player waits for: the server's "preparing" or "waiting". */
            waitsFor: "",
            /** Whether it can be played, but the browser wants the user to press play. */
            isReady: false,
        });
        /** Counts started and cancelled attempts: late answers of earlier ones are ignored. */
        this.attempt = 0;
        this.silentStarts = 0;
        this.brokenAt = null;
        if (this.props.isInBar) {
            this.player.inBar = this;
        }
        useExternalListener(window, "pagehide", () => this.remember());
        onMounted(() => {
            if (this.props.autoplay) {
                this.root.el.focus({ preventScroll: true });
                this.play();
            }
        });
        onWillUnmount(() => {
            this.isGone = true;
            this.stopWaiting();
            this.player.setStatus(this, false);
            this.remember();
            this.player.release(this);
            if (this.player.inBar === this) {
                this.player.inBar = null;
            }
            this.unload();
        });
    }

    get url() {
        return `/airtel_ccp/recording/${this.props.callId}`;
    }

    get label() {
        return this.props.title
            ? _t("Recording: %s", this.props.title)
            : _t("Recording of the call");
    }

    get playLabel() {
        return _t("Play");
    }

    get pauseLabel() {
        return _t("Pause");
    }

    get buttonLabel() {
        if (this.state.waitsFor) {
            return _t("Stop waiting");
        }
        return this.state.isPlaying ? this.pauseLabel : this.playLabel;
    }

    get waitingWords() {
        if (this.state.isReady) {
            return _t("The recording is ready: press play.");
        }
        return {
            preparing: _t("The recording is being prepared. It starts by itself."),
            waiting: _t(
                "Too many people are listening at the moment. The recording starts by itself as soon as possible."
            ),
        }[this.state.waitsFor];
    }

    get max() {
        return Math.max(this.state.duration, this.state.position, 1);
    }

    get positionText() {
        return formatSeconds(Math.floor(this.state.position));
    }

    get durationText() {
        return formatSeconds(Math.round(this.state.duration));
    }

    get valueText() {
        if (!this.state.duration) {
            return this.positionText;
        }
        return _t("%(position)s of %(duration)s", {
            position: this.positionText,
            duration: this.durationText,
        });
    }

    speedText(speed) {
        return `${speed.toLocaleString(document.documentElement.lang || undefined)}×`;
    }

    async play() {
        const audio = this.audio.el;
        this.stopWaiting();
        this.endProblem();
        this.state.isReady = false;
        this.player.take(this);
        if (!audio.hasAttribute("src")) {
            this.state.isLoading = true;
            audio.src = this.url;
        }
        audio.playbackRate = this.state.speed;
        try {
            await audio.play();
        } catch (error) {
            // A faulty sound has an event of its own; a pause in between is not a fault
            if (error.name === "NotAllowedError" && !this.isGone) {
                this.state.isLoading = false;
                this.state.isReady = this.silentStarts > 0;
                this.player.release(this);
            }
        }
    }

    pause() {
        this.stopWaiting();
        this.audio.el?.pause();
    }

    toggle() {
        return this.state.isPlaying || this.state.isLoading ? this.pause() : this.play();
    }

    stopWaiting() {
        this.attempt++;
        if (this.state.waitsFor) {
            this.endWaiting();
            this.player.release(this);
        }
    }

    endWaiting() {
        this.state.waitsFor = "";
        this.state.isLoading = false;
        this.player.setStatus(this, false);
    }

    /** @param {number} position in seconds; kept within the recording */
    seek(position) {
        const audio = this.audio.el;
        this.state.position = Math.min(Math.max(0, position), this.state.duration || position);
        if (audio.readyState >= HTMLMediaElement.HAVE_METADATA) {
            audio.currentTime = this.state.position;
        }
        this.remember();
    }

    skip(seconds) {
        this.seek(this.state.position + seconds);
    }

    setSpeed(speed) {
        this.state.speed = speed;
        this.audio.el.playbackRate = speed;
        rememberSpeed(speed);
    }

    onSpeedChange(ev) {
        this.setSpeed(Number(ev.target.value));
    }

    /** @param {number} step 1 is the next faster speed, -1 the next slower one */
    changeSpeed(step) {
        const speed = SPEEDS[SPEEDS.indexOf(this.state.speed) + step];
        if (speed) {
            this.setSpeed(speed);
        }
    }

    /** Stores the position; at the end, deletes it. */
    remember() {
        const { duration, position } = this.state;
        this.remembered = position;
        rememberPosition(this.props.callId, duration && position >= duration - 0.5 ? 0 : position);
    }

    unload() {
        const audio = this.audio.el;
        if (audio?.hasAttribute("src")) {
            audio.pause();
            audio.removeAttribute("src");
            // Stops the download
            audio.load();
        }
    }

    onLoadedMetadata() {
        const audio = this.audio.el;
        this.onDurationChange();
        audio.playbackRate = this.state.speed;
        if (this.state.position >= this.state.duration - 0.5) {
            this.state.position = 0;
        }
        if (this.state.position) {
            audio.currentTime = this.state.position;
        }
    }

    onDurationChange() {
        const { duration } = this.audio.el;
        // Browsers report an infinite duration if a stream has no length
        if (Number.isFinite(duration) && duration > 0) {
            this.state.duration = duration;
        }
    }

    onPlaying() {
        this.state.isPlaying = true;
        this.state.isLoading = false;
        this.state.isReady = false;
        this.silentStarts = 0;
        this.player.take(this);
        this.player.setFetched(this);
    }

    onPause() {
        this.state.isPlaying = false;
        this.state.isLoading = false;
        this.player.release(this);
        this.remember();
    }

    onTimeUpdate() {
        const audio = this.audio.el;
        if (!audio.hasAttribute("src") || audio.readyState < HTMLMediaElement.HAVE_METADATA) {
            return;
        }
        this.state.position = audio.currentTime;
        if (Math.abs(this.state.position - this.remembered) >= REMEMBER_EVERY) {
            this.remember();
        }
    }

    onEnded() {
        this.state.isPlaying = false;
        this.state.position = 0;
        this.player.release(this);
        this.remember();
    }

    async onError() {
        const { isPlaying, position } = this.state;
        this.unload();
        this.state.isPlaying = false;
        this.state.isLoading = true;
        const attempt = this.attempt;
        const hasWaited = await this.waitForServer();
        if (attempt !== this.attempt || this.isGone) {
            return;
        }
        if (hasWaited === null) {
            this.player.release(this);
            return;
        }
        // A broken connection is worth another start, unless it breaks at the same place again
        const isNewPlace = this.brokenAt === null || Math.abs(position - this.brokenAt) >= 1;
        const isWorthIt =
            hasWaited || this.silentStarts ? this.silentStarts < STARTS : isPlaying && isNewPlace;
        if (isWorthIt) {
            this.brokenAt = position;
            this.silentStarts++;
            await this.play();
            return;
        }
        this.silentStarts = 0;
        this.fail(_t("Your browser cannot play this recording. Retry, or ask your administrator."));
    }

    endProblem() {
        this.state.problem = "";
        this.player.setStatus(this, false);
    }

    /** @param {string} problem in words */
    fail(problem) {
        this.state.isLoading = false;
        this.state.problem = problem;
        this.player.setStatus(this, true);
        this.player.release(this);
    }

    /**
     * Waits until the server has something to play; shows what it waits for, or what is wrong.
     *
     * @returns {Promise<boolean|null>} whether it had to wait; null if there is nothing to play, or
     *     if the user did something else in the meantime
     */
    async waitForServer() {
        const attempt = this.attempt;
        let waited = 0;
        for (let factor = 1; ; factor *= 1.3) {
            const { waitsFor, seconds, problem } = await this.askServer();
            if (attempt !== this.attempt || this.isGone) {
                return null;
            }
            const pause = Math.min(ASK_EVERY, seconds * factor);
            if (problem || (waitsFor && waited + pause > WAIT)) {
                this.endWaiting();
                this.fail(problem || _t("This takes longer than usual. Retry in a few minutes."));
                return null;
            }
            if (!waitsFor) {
                this.endWaiting();
                this.state.isLoading = true;
                return waited > 0;
            }
            this.state.waitsFor = waitsFor;
            this.state.isLoading = true;
            this.player.setStatus(this, true);
            await new Promise((resolve) => browser.setTimeout(resolve, pause * 1000));
            if (attempt !== this.attempt || this.isGone) {
                return null;
            }
            waited += pause;
        }
    }

    /**
     * An audio element hides the server's answer, so this asks again, for one byte, which the
     * server does not log as a listen.
     *
     * @returns {Promise<{waitsFor?: string, seconds?: number, problem?: string}>} what to wait for,
     *     and how many seconds; or what is wrong, in words; neither if it can be played
     */
    async askServer() {
        const abort = new AbortController();
        let response;
        try {
            response = await browser.fetch(this.url, {
                headers: { Range: "bytes=0-0" },
                signal: abort.signal,
            });
        } catch {
            return { problem: _t("Odoo cannot be reached. Check your connection, then retry.") };
        }
        const type = response.headers.get("Content-Type") || "";
        if (response.ok) {
            abort.abort();
            return type.startsWith("text/html")
                ? { problem: _t("You are logged out. Log in again, then retry.") }
                : {};
        }
        const waitsFor = response.headers.get("X-Airtel-Ccp");
        const seconds = Number(response.headers.get("Retry-After"));
        if (["preparing", "waiting"].includes(waitsFor) && seconds) {
            return { waitsFor, seconds };
        }
        const text = type.startsWith("text/plain") ? (await response.text()).trim() : "";
        const words = {
            403: _t("You may not listen to this recording. Your administrator can allow it."),
            404: _t("No recording was found that you may listen to."),
            410: _t("There is no recording of this call any more."),
        };
        return {
            problem:
                text ||
                words[response.status] ||
                _t("The recording cannot be played now. Retry in a minute."),
        };
    }

    /**
     * Waits for a file that is not fetched yet, instead of opening a page with one sentence.
     *
     * @param {MouseEvent} ev
     */
    async onDownload(ev) {
        if (ev.ctrlKey || ev.metaKey || ev.shiftKey) {
            return;
        }
        ev.preventDefault();
        const isPlaying = this.state.isPlaying;
        this.stopWaiting();
        this.endProblem();
        if (!isPlaying) {
            this.player.take(this);
        }
        if ((await this.waitForServer()) === null) {
            return;
        }
        this.state.isLoading = false;
        if (!isPlaying) {
            this.player.release(this);
        }
        const link = document.createElement("a");
        link.href = `${this.url}?download=1`;
        link.download = "";
        link.click();
    }

    onKeydown(ev) {
        if (ev.altKey || ev.ctrlKey || ev.metaKey) {
            return;
        }
        const isButton = Boolean(ev.target.closest("button, a"));
        const isSelect = ev.target.tagName === "SELECT";
        const actions = {
            k: () => this.toggle(),
            "<": () => this.changeSpeed(-1),
            ">": () => this.changeSpeed(1),
        };
        if (!isSelect) {
            Object.assign(actions, {
                ArrowLeft: () => this.skip(-SKIP),
                ArrowRight: () => this.skip(SKIP),
                ArrowUp: () => this.changeSpeed(1),
                ArrowDown: () => this.changeSpeed(-1),
            });
        }
        // The space bar presses a focused button, as usual
        if (!isSelect && !isButton) {
            actions[" "] = () => this.toggle();
        }
        const action = actions[ev.key.length === 1 ? ev.key.toLowerCase() : ev.key];
        if (action) {
            ev.preventDefault();
            ev.stopPropagation();
            action();
        }
    }
}
