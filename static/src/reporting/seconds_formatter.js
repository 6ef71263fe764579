import { registry } from "@web/core/registry";

import { formatSeconds } from "../panel/call_clock";

/**
 * Formats the seconds of a measure like a clock, for pivots and graphs.
 *
 * @param {number | false | null} value seconds; empty if there was nothing to measure
 * @returns {string}
 */
export function formatMeasuredSeconds(value) {
    return typeof value === "number" ? formatSeconds(Math.round(value)) : "";
}

registry.category("formatters").add("ccp_seconds", formatMeasuredSeconds);
