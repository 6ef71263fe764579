/**
 * Returns whether the panel is on the page, rather than minimised or empty.
 *
 * @param {import("../call_service").CallService["state"]} state
 * @returns {boolean}
 */
export function isPanelShown({ current, list, minimised }) {
    return !minimised && Boolean(current || list.waiting);
}
