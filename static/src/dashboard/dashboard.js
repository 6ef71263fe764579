import { Component, onWillStart, onWillUnmount, useEffect, useRef, useState } from "@odoo/owl";
import { loadBundle } from "@web/core/assets";
import { getColor } from "@web/core/colors/colors";
import { cookie } from "@web/core/browser/cookie";
import { deserializeDate } from "@web/core/l10n/dates";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { formatInteger, formatPercentage } from "@web/views/fields/formatters";
import { standardActionServiceProps } from "@web/webclient/actions/action_service";
import { sentenceOf } from "../errors";
import { formatSeconds } from "../panel/call_clock";
import { SetupBanner } from "../setup/setup_banner";
import { DashboardCallbacks } from "./dashboard_callbacks";

const { DateTime, Info } = luxon;

/** The figures of today and of the last 30 days; each opens the calls behind it. */
export class CallDashboard extends Component {
    static template = "airtel_ccp.CallDashboard";
    static components = { DashboardCallbacks, SetupBanner };
    static props = { ...standardActionServiceProps };

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.canvas = useRef("canvas");
        this.state = useState({ figures: null, loading: false, failed: "" });
        onWillStart(() => {
            this.load();
        });
        useEffect(
            (figures, canvas) => {
                if (canvas && figures) {
                    this.drawTrend(canvas, figures.trend);
                }
            },
            () => [this.state.figures, this.canvas.el]
        );
        onWillUnmount(() => this.chart?.destroy());
    }

    async load() {
        this.state.loading = true;
        this.state.failed = "";
        try {
            const [figures] = await Promise.all([
                this.orm.silent.call("ccp.dashboard", "figures"),
                loadBundle("web.chartjs_lib"),
            ]);
            this.state.figures = figures;
        } catch (error) {
            const sentence = sentenceOf(error);
            this.state.failed = sentence ?? _t("The figures could not be loaded.");
            if (sentence === undefined) {
                throw error;
            }
        } finally {
            this.state.loading = false;
        }
    }

    drawTrend(canvas, trend) {
        this.chart?.destroy();
        const scheme = cookie.get("color_scheme");
        const dataset = (key, label, color) => ({
            label,
            data: trend.map((row) => row[key].value),
            backgroundColor: getColor(color, scheme, "odoo"),
        });
        this.chart = new Chart(canvas, {
            type: "bar",
            data: {
                labels: trend.map((row) =>
                    deserializeDate(row.day).toLocaleString({ month: "short", day: "numeric" })
                ),
                datasets: [
                    dataset("attempts", _t("Attempts"), 1),
                    dataset("reached", _t("Reached"), 2),
                ],
            },
            options: {
                animation: false,
                maintainAspectRatio: false,
                scales: { y: { beginAtZero: true, ticks: { precision: 0 } } },
                onClick: (_event, [bar]) => {
                    if (bar) {
                        const row = trend[bar.index];
                        const key = bar.datasetIndex ? "reached" : "attempts";
                        const title = bar.datasetIndex ? _t("Reached") : _t("Attempts");
                        this.open(row[key], title);
                    }
                },
            },
        });
    }

    get headings() {
        return [
            _t("Attempts"),
            _t("Reached"),
            _t("Connect rate"),
            _t("Talk time"),
            _t("Missed by agent"),
        ];
    }

    get weekdays() {
        return Info.weekdays("short").map((name, index) => ({ id: index + 1, name }));
    }

    /** The hours of the day between the first and the last in which somebody called. */
    get hours() {
        const hours = this.state.figures.hours.map((cell) => cell.hour);
        const first = Math.min(...hours);
        return Array.from({ length: Math.max(...hours) - first + 1 }, (_each, i) => first + i);
    }

    /** @param {number} hour of the day, from 0 */
    hourLabel(hour) {
        return DateTime.fromObject({ hour }).toLocaleString({ hour: "numeric" });
    }

    cell(weekday, hour) {
        return this.state.figures.hours.find(
            (cell) => cell.weekday === weekday && cell.hour === hour
        );
    }

    cellClass(cell) {
        if (cell.count < this.state.figures.enough) {
            return "text-muted opacity-50";
        }
        return cell.value >= 50 ? "text-bg-success" : cell.value >= 25 ? "text-bg-info" : "";
    }

    cellTitle(cell) {
        return _t("Reached: %(reached)s, attempts: %(attempts)s", {
            reached: this.format(cell),
            attempts: formatInteger(cell.count),
        });
    }

    format({ kind, value }) {
        if (value === null || value === false) {
            return "–";
        }
        if (kind === "percent") {
            return formatPercentage(value / 100, { digits: [16, 1] });
        }
        return kind === "seconds" ? formatSeconds(Math.round(value)) : formatInteger(value);
    }

    open(figure, title, resModel = "ccp.call") {
        return this.action.doAction({
            type: "ir.actions.act_window",
            name: title,
            res_model: resModel,
            views: [
                [false, "list"],
                [false, "form"],
            ],
            domain: figure.domain,
        });
    }
}

registry.category("actions").add("airtel_ccp.dashboard", CallDashboard);
