import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { CharField, charField } from "@web/views/fields/char/char_field";

/** A number to type, or to choose from the record's numbers in the field `offered_phones`. */
export class PhoneChoiceField extends CharField {
    static template = "airtel_ccp.PhoneChoiceField";

    get listId() {
        return `${this.props.id ?? this.props.name}_offered`;
    }

    get offered() {
        return this.props.record.data.offered_phones || [];
    }
}

export const phoneChoiceField = {
    ...charField,
    component: PhoneChoiceField,
    displayName: _t("Number of the record"),
    supportedTypes: ["char"],
    fieldDependencies: [{ name: "offered_phones", type: "json" }],
};

registry.category("fields").add("ccp_phone_choice", phoneChoiceField);
