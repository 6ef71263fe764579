import { browser } from "@web/core/browser/browser";

export const POSITIONS_KEY = "airtel_ccp.positions";
export const SPEED_KEY = "airtel_ccp.speed";
export const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 1.75, 2];
/** For how many recordings the position is stored: those heard last. */
export const MAX_POSITIONS = 50;

function readPositions() {
    let stored;
    try {
        stored = JSON.parse(browser.localStorage.getItem(POSITIONS_KEY));
    } catch {
        // Unreadable content is treated as empty
        return [];
    }
    return Array.isArray(stored)
        ? stored.filter((entry) => Array.isArray(entry) && entry.every(Number.isFinite))
        : [];
}

/**
 * @param {number} callId
 * @returns {number} the seconds up to which this browser played the call's recording
 */
export function recallPosition(callId) {
    const entry = readPositions().find(([id]) => id === callId);
    return entry ? Math.max(0, entry[1]) : 0;
}

/**
 * @param {number} callId
 * @param {number} seconds 0 deletes the stored position
 */
export function rememberPosition(callId, seconds) {
    const positions = readPositions().filter(([id]) => id !== callId);
    if (seconds > 0) {
        positions.push([callId, Math.round(seconds * 10) / 10]);
    }
    browser.localStorage.setItem(POSITIONS_KEY, JSON.stringify(positions.slice(-MAX_POSITIONS)));
}

/** @returns {number} the speed that the user chose last */
export function recallSpeed() {
    const speed = Number(browser.localStorage.getItem(SPEED_KEY));
    return SPEEDS.includes(speed) ? speed : 1;
}

/** @param {number} speed */
export function rememberSpeed(speed) {
    browser.localStorage.setItem(SPEED_KEY, String(speed));
}
