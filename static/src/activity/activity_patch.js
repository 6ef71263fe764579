import { useState } from "@odoo/owl";
import { Activity } from "@mail/core/web/activity";
import { ActivityListPopoverItem } from "@mail/core/web/activity_list_popover_item";
import { patch } from "@web/core/utils/patch";

/** Adds a Call button to planned calls. */
const callable = () => ({
    setup() {
        super.setup();
        this.airtelCcpCalls = this.env.services["airtel_ccp.call"];
        this.airtelCcpState = useState(this.airtelCcpCalls.state);
    },

    /** Whether the activity is a call that the user can place. */
    get offersAirtelCcpCall() {
        const { activity } = this.props;
        return Boolean(
            this.airtelCcpCalls.canCall &&
            activity.activity_category === "phonecall" &&
            activity.state !== "done" &&
            activity.res_id
        );
    },

    get isAirtelCcpBusy() {
        return this.airtelCcpState.placing || Boolean(this.airtelCcpState.current?.live);
    },

    onClickAirtelCcpCall() {
        const { id, res_model, res_id } = this.props.activity;
        return this.airtelCcpCalls.call(res_model, res_id, null, null, { activity_id: id });
    },
});

patch(Activity.prototype, callable());
patch(ActivityListPopoverItem.prototype, callable());
