import { _t } from "@web/core/l10n/translation";
import { patch } from "@web/core/utils/patch";
import { PhoneField, formPhoneField, phoneField } from "@web/views/fields/phone/phone_field";
import { CallButton } from "./call_button";

patch(PhoneField, {
    components: {
        ...PhoneField.components,
        AirtelCcpCallButton: CallButton,
    },
    defaultProps: {
        ...PhoneField.defaultProps,
        enableAirtelCcp: true,
    },
    props: {
        ...PhoneField.props,
        enableAirtelCcp: { type: Boolean, optional: true },
    },
});

patch(PhoneField.prototype, {
    /** Whether this field can call the number through Airtel. */
    get offersAirtelCcpCall() {
        const { enableAirtelCcp, name, readonly, record } = this.props;
        return Boolean(
            this.env.services["airtel_ccp.call"]?.canCall &&
            enableAirtelCcp &&
            record.data[name] &&
            !record.resModel.startsWith("ccp.") &&
            (record.resId || (!readonly && record.canSaveOnUpdate))
        );
    },
});

const patchDescription = () => ({
    extractProps({ attrs, options }) {
        return {
            ...super.extractProps(...arguments),
            // The server marks fields that it would not call
            enableAirtelCcp: attrs.airtel_ccp_no_call ? false : options.enable_airtel_ccp,
        };
    },
    get supportedOptions() {
        return [
            ...(super.supportedOptions ?? []),
            {
                label: _t("Enable calls through Airtel"),
                name: "enable_airtel_ccp",
                type: "boolean",
                default: true,
            },
        ];
    },
});

patch(phoneField, patchDescription());
patch(formPhoneField, patchDescription());
