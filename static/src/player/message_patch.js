import { Message } from "@mail/core/common/message";
import { browser } from "@web/core/browser/browser";
import { _t } from "@web/core/l10n/translation";
import { patch } from "@web/core/utils/patch";

const ADDRESS = /^\/airtel_ccp\/recording\/(\d+)$/;

/** @returns {number} the call whose recording a link to this server plays; 0 for other links */
function callOf(link) {
    const address = link.getAttribute("href");
    const { origin } = browser.location;
    const path = address.startsWith(`${origin}/`) ? address.slice(origin.length) : address;
    return Number(ADDRESS.exec(path)?.[1] ?? 0);
}

patch(Message.prototype, {
    onClick(ev) {
        const link = ev.target.closest?.("a[href]");
        const callId = link && !ev.ctrlKey && !ev.metaKey && !ev.shiftKey && callOf(link);
        if (!callId) {
            return super.onClick(...arguments);
        }
        ev.preventDefault();
        const { "airtel_ccp.player": player, notification } = this.env.services;
        if (!player.canListen) {
            notification.add(_t("Recorded; you may not listen to it."), { type: "warning" });
            return;
        }
        const card = link.closest(".o_airtel_ccp_card");
        player.open({
            callId,
            title: card?.querySelector("strong")?.textContent.trim() || _t("Recording"),
            seconds: 0,
        });
    },
});
