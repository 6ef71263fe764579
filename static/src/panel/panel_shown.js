/**
 * Returns whether the panel is on the page, rather than in the top bar or without content.
 *
 * @param {import("../call_service").CallService["state"]} state
 * @returns {boolean}
 */
export function isPanelShown({ current, list, minimised }) {
    return !minimised && Boolean(current || list.waiting);
}
