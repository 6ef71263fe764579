import base64
import binascii

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..ccp.airtel import caller_id, postman
from ..ccp.safe import address
from ..models.own_records import OwnRecords
from ..models.res_company import PASSWORD_MASK

# Base64 takes four characters for three bytes
MAX_CHARACTERS = postman.MAX_BYTES * 4 // 3 + 4
SHOWN_NAMES = 20
LABELS = {
    "base_url": "ccp_base_url",
    "username": "ccp_username",
    "password": "ccp_password",
    "customer_id": "ccp_customer_id",
}


class CcpPostmanImport(OwnRecords, models.TransientModel):
    """Imports an account from Airtel's Postman environment file (specification 1), after a preview.

    The file contains the password, so it is deleted as soon as it was read.
    """

    _name = "ccp.postman.import"
    _description = "Import Airtel's Postman file"

    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, default=lambda self: self.env.company
    )
    file = fields.Binary("Postman file", attachment=False)
    file_name = fields.Char()
    problem = fields.Char(compute="_compute_found")
    warning = fields.Char(compute="_compute_found")
    environment_name = fields.Char("Environment", compute="_compute_found")
    base_url = fields.Char("Base URL", compute="_compute_found")
    username = fields.Char("User name", compute="_compute_found")
    password = fields.Char(compute="_compute_found")
    customer_id = fields.Char("Customer id", compute="_compute_found")
    call_flow_id = fields.Char("Call flow id", compute="_compute_found")
    caller_id = fields.Char("Caller number", compute="_compute_found")

    @api.depends("file")
    def _compute_found(self):
        for wizard in self:
            found, problem = {}, ""
            environment = None
            if wizard.file:
                try:
                    environment = wizard._read()
                    found = wizard._settings(environment)
                except UserError as error:
                    problem = error.args[0]
            wizard.problem = problem
            wizard.environment_name = environment and environment.name
            wizard.warning = environment and wizard._warning(environment)
            for name in postman.NAMES:
                wizard[name] = found.get(name, False)
            if wizard.password:
                wizard.password = PASSWORD_MASK

    def _read(self):
        """Return the file's content.

        :rtype: ccp.airtel.postman.Environment
        :raise UserError: when it is not an environment file with an account
        """
        # The uploaded file may be larger than the browser's field shows
        content = self.with_context(bin_size=False).file or b""
        try:
            if len(content) > MAX_CHARACTERS:
                raise postman.PostmanError("too_large")
            return postman.read(base64.b64decode(content, validate=True))
        except binascii.Error as error:
            raise UserError(self._sentence("broken")) from error
        except postman.PostmanError as error:
            raise UserError(self._sentence(error.reason, error.unused)) from error

    def _names(self, unused):
        """Return the names of variables that are not used, in one line.

        :param unused: names as in the file; their values are shown nowhere
        :rtype: str
        """
        shown = ", ".join(unused[:SHOWN_NAMES])
        return f"{shown}, …" if unused[SHOWN_NAMES:] else shown

    def _sentence(self, reason, unused=()):
        """Return why a file is refused, and who must do what.

        :param str reason: see ``ccp.airtel.postman.PostmanError``
        :param unused: the names of unknown variables
        :rtype: str
        """
        _ = self.env._
        if reason == "unknown" and unused:
            return _(
                "No variable of this environment is a setting of Airtel CCP (%s): enter the "
                "values by hand, or choose the file that Airtel sent you.",
                self._names(unused),
            )
        return {
            "too_large": _(
                "This file is too large to be an environment: choose the one whose name ends in "
                "postman_environment.json."
            ),
            "broken": _(
                "This file cannot be read: it is not a Postman file, or it is damaged. Ask Airtel "
                "to send it again."
            ),
            "collection": _(
                "This is a Postman collection, which contains requests: choose the environment "
                "file that came with it, whose name ends in postman_environment.json."
            ),
            "no_environment": _(
                "This file is not a Postman environment: choose the one whose name ends in "
                "postman_environment.json."
            ),
            "unknown": _(
                "This environment contains no variables: choose the one that Airtel sent you."
            ),
            "empty": _(
                "This environment names Airtel's settings but contains no values: ask Airtel to "
                "send it with values, or enter them by hand."
            ),
        }[reason]

    def _settings(self, environment):
        """Return the file's settings in the form in which they are stored.

        :param ccp.airtel.postman.Environment environment: the file's content
        :rtype: dict[str, str]
        :raise ValidationError: when its address is invalid
        """
        values = dict(environment.values)
        if "base_url" in values:
            cleaned = self.company_id._ccp_clean({"ccp_base_url": values["base_url"]})
            values["base_url"] = cleaned["ccp_base_url"]
        if "caller_id" in values:
            values["caller_id"] = caller_id.tidy(values["caller_id"])
        return values

    def _warning(self, environment):
        """Return one sentence about what to check before saving, or False.

        :rtype: str | bool
        """
        _ = self.env._
        sentences = []
        for names, sentence in (
            (environment.disabled, _("Disabled in Postman and ignored: %s.")),
            (environment.empty, _("Without a value and ignored: %s.")),
            (
                environment.conflicting,
                _("Found twice with different values, so the first is used: %s."),
            ),
        ):
            if names:
                labels = [self._fields[name]._description_string(self.env) for name in names]
                sentences.append(sentence % ", ".join(labels))
        if environment.unused:
            names = self._names(environment.unused)
            sentences.append(_("Unknown and ignored: %s. Enter by hand what is needed.", names))
        host = self._host(environment.values.get("base_url"))
        present = self._host(self.company_id.ccp_base_url)
        if host and present and host != present and self.company_id.ccp_username:
            sentences.append(
                _("The address will change from %(old)s to %(new)s.", old=present, new=host)
            )
        return " ".join(sentences) or False

    @api.model
    def _host(self, url):
        """Return the host of an address; "" if the address is invalid.

        :param str | bool url: the address
        :rtype: str
        """
        try:
            return address.read(address.mend(url or "")).host
        except address.AddressError:
            return ""

    def action_save(self):
        """Save the settings that were found, and delete the file.

        :return: an action that closes the dialog
        :rtype: dict
        :raise AccessError: when the user is not an administrator
        :raise UserError: when the file is not Airtel's environment, or has invalid values
        """
        self.ensure_one()
        self.check_access("write")
        if not self.file:
            raise UserError(self.env._("Choose the file that Airtel sent you, then save."))
        found = self._settings(self._read())
        values = {field: found[name] for name, field in LABELS.items() if name in found}
        company = self.company_id
        company.write(values)
        flow = company.ccp_flow_id
        code = found.get("call_flow_id") or flow.code
        caller_number = found.get("caller_id") or flow.caller_number
        if code and caller_number:
            company._ccp_set_flow(code, caller_number)
        self.file = False
        return {"type": "ir.actions.act_window_close"}
