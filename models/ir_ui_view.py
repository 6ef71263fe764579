from odoo import models

NO_CALL = "airtel_ccp_no_call"


class IrUiView(models.Model):
    """Marks in each view which phone fields have no Call button."""

    _inherit = "ir.ui.view"

    def _postprocess_tag_field(self, node, name_manager, node_info):
        """Mark phone fields that the server would not call; the view's cache keeps the marks."""
        if node.get("widget") == "phone":
            if node.get("name") not in name_manager.model._ccp_phone_fields():
                node.set(NO_CALL, "1")
        return super()._postprocess_tag_field(node, name_manager, node_info)
