import { Message } from "@mail/core/common/message";
import { useEffect } from "@odoo/owl";
import { patch } from "@web/core/utils/patch";

patch(Message.prototype, {
    setup() {
        super.setup(...arguments);
        let isOpen = false;
        // A changed card is drawn again: keep the parts unfolded that the reader unfolded
        useEffect(
            () => {
                const story = this.root.el?.querySelector("details.o_airtel_ccp_story");
                if (!story) {
                    return;
                }
                const remember = () => (isOpen = story.open);
                story.open =
                    isOpen || Boolean(story.querySelector(".o-mail-Message-searchHighlight"));
                story.addEventListener("toggle", remember);
                return () => story.removeEventListener("toggle", remember);
            },
            () => [this.message.richBody, this.props.messageSearch?.searchTerm]
        );
    },
});
