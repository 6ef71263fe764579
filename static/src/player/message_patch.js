import { Message } from "@mail/core/common/message";
import { _t } from "@web/core/l10n/translation";
import { patch } from "@web/core/utils/patch";

const ADDRESS = /^\/airtel_ccp\/recording\/(\d+)$/;

/** @returns {number|undefined} the call whose recording a link of this server plays */
function callOf(link) {
    const { origin, pathname } = new URL(link.href, window.location.href);
    const id = origin === window.location.origin && ADDRESS.exec(pathname)?.[1];
    return id ? Number(id) : undefined;
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
