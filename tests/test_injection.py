import itertools
import json
import re

from lxml import html

from odoo.exceptions import AccessError, UserError
from odoo.tests import HttpCase, tagged

from .common import CONNECTS, CcpCase

FIRED = "window.ccpFired=1"
# {0} is what fires; short enough to pass where Airtel's names are cut
PAYLOADS = (
    "<script>{0}</script>",
    "<ScRiPt>{0}</sCrIpT>",
    "<script/x>{0}</script>",
    "</script><script>{0}</script>",
    "<img src=x onerror={0}>",
    "<img/src=x/onerror={0}>",
    "<IMG SRC=x ONERROR={0}>",
    "<img src=x onerror='{0}'",
    "<svg onload={0}>",
    "<svg/onload={0}>",
    "<svg><script>{0}</script>",
    "<svg><animate onbegin={0}>",
    "<math><x onclick={0}>",
    "<body onload={0}>",
    "<input autofocus onfocus={0}>",
    "<select autofocus onfocus={0}>",
    "<textarea autofocus onfocus={0}>",
    "<details open ontoggle={0}>",
    "<video><source onerror={0}>",
    "<audio src=x onerror={0}>",
    "<iframe srcdoc='<script>parent.ccpFired=1</script>'>",
    "<iframe src=javascript:parent.ccpFired=1>",
    "<object data=javascript:{0}>",
    "<embed src=javascript:{0}>",
    "<a href=javascript:{0}>x</a>",
    "<form action=javascript:{0}><button>",
    "<marquee onstart={0}>",
    "<style onload={0}></style>",
    "<link rel=stylesheet href=x onerror={0}>",
    "<meta http-equiv=refresh content=0;javascript:{0}>",
    "<base href=javascript:{0}//>",
    "<template><script>{0}</script></template>",
    "<noscript><p title='</noscript><img src=x onerror={0}>'>",
    "'\"><script>{0}</script>",
    '"><img src=x onerror={0}>',
    "'><svg onload={0}>",
    '" onmouseover={0} x="',
    "' autofocus onfocus={0} x='",
    "`onerror={0}`",
    "--><script>{0}</script>",
    "]]><script>{0}</script>",
    "<!--<img src=--><img src=x onerror={0}>",
    "&lt;script&gt;{0}&lt;/script&gt;",
    "&#60;script&#62;{0}&#60;/script&#62;",
    "\\x3cscript\\x3e{0}\\x3c/script\\x3e",
    "\\u003cscript\\u003e{0}\\u003c/script\\u003e",
    "%3Cscript%3E{0}%3C/script%3E",
    '<t t-out="{0}"/>',
    "<t t-esc='{0}'/>",
    "<t t-call=x t-on-click={0}>",
)
# Once as it is, once among the words of a sentence
STRINGS = [
    text.format(FIRED) for text in itertools.chain(PAYLOADS, (f"Rep {each} x" for each in PAYLOADS))
]
LOOK = """
(async () => {
    const until = async (condition, what) => {
        for (let i = 0; i < 200; i++) {
            if (condition()) return;
            await new Promise((done) => setTimeout(done, 100));
        }
        throw new Error("waited for " + what);
    };
    try {
        await until(() => document.querySelector("%(ready)s"), "%(ready)s");
        for (const button of document.querySelectorAll(".o-mail-Chatter, .o_content")) {
            button.scrollTop = 100000;
        }
        await until(() => document.body.innerText.includes("ccpFired"), "the texts");
        await new Promise((done) => setTimeout(done, 700));
        if (window.ccpFired) throw new Error("a text was run");
        console.log("test successful");
    } catch (error) {
        console.error("injection: " + error.message);
    }
})()
"""
HOLD = """
(async () => {
    const answer = await fetch("/web/dataset/call_kw/ccp.call/search_read", {
        method: "POST", headers: {"Content-Type": "application/json"},
        body: JSON.stringify({params: {model: "ccp.call", method: "search_read", args: [[]],
            kwargs: {fields: ["timeline_html"]}}}),
    });
    const rows = (await answer.json()).result;
    const place = document.createElement("div");
    document.body.append(place);
    for (const row of rows) {
        place.insertAdjacentHTML("beforeend", row.timeline_html);
    }
    for (const element of place.querySelectorAll("*")) {
        for (const name of element.getAttributeNames()) {
            if (name.startsWith("on")) console.error("injection: " + element.outerHTML);
        }
        for (const kind of ["click", "mouseover", "focus"]) element.dispatchEvent(new Event(kind));
    }
    await new Promise((done) => setTimeout(done, 1000));
    if (window.ccpFired) console.error("injection: a text was run");
    else if (rows.length < 100) console.error("injection: only " + rows.length);
    else console.log("test successful");
})()
"""


@tagged("post_install", "-at_install")
class TestInjection(CcpCase, HttpCase):
    """Whatever comes from outside stays text, wherever it is shown."""

    def hostile_call(self, text):
        """Make a call of which every field that comes from outside holds a text."""
        call = self.make_call(
            live=False,
            customer_name=text,
            note=text,
            refusal=text,
            override_reason=text,
            overridden=text,
        )
        meta = {"causeCodeDescription": text, "causeCode": text, "digits": text}
        event = self.event("Answer", "A", 2, **meta)
        record = self.cdr(
            Hangup_Cause=text,
            Caller_Status_Description=text,
            Caller_Operator_Name=text,
            Caller_Circle_Name=text,
            Destination_Operator_Name=text,
            Destination_Circle_Name=text,
            Destination_Status=text,
            Overall_Call_Status=text,
        )
        self.report(
            call,
            {**event, "participantName": text, "requestName": text},
            self.event(text, "B", 3),
            self.event("Answer", text, 4, event_type=text),
            {"requestMessageType": text, "responseType": "FAILURE", "message": text},
            record,
        )
        return call

    def look(self, path, ready, login="rep"):
        self.browser_js(path, LOOK % {"ready": ready}, "odoo.isReady === true", login=login)

    def test_everywhere(self):
        self.assertEqual(len(set(STRINGS)), 100)
        self.lead.name = self.lead.contact_name = self.lead.partner_name = STRINGS[0]
        self.partner.name = STRINGS[4]
        calls = self.env["ccp.call"].concat(*map(self.hostile_call, STRINGS))
        self.env.flush_all()
        with self.subTest("cards"):
            for body in calls.card_message_ids.mapped("body"):
                self.assert_harmless(body)
        with self.subTest("a mail"):
            self.assert_harmless(self.mail(calls[-1]))
        with self.subTest("a lead with its cards"):
            self.look(f"/odoo/crm.lead/{self.lead.id}", ".o_airtel_ccp_card")
        with self.subTest("a contact with its cards"):
            self.look(f"/odoo/res.partner/{self.partner.id}", ".o_airtel_ccp_card")
        with self.subTest("the list of calls"):
            self.look("/odoo/calls", ".o_data_row")
        with self.subTest("a call's form"):
            self.look(f"/odoo/ccp.call/{calls[-1].id}", ".o_form_view")
        with self.subTest("all timelines"):
            self.browser_js("/odoo/calls", HOLD, "odoo.isReady === true", login="rep")

    def test_in_the_panel(self):
        """The panel of a rep whose last call was hostile, on any page."""
        call = self.hostile_call(STRINGS[4])
        call.start_date = self.env.cr.now()
        self.env.flush_all()
        self.look("/odoo/contacts", ".o_airtel_ccp_panel")

    def mail(self, call):
        """Return the mail about a call's card, as Odoo would send it."""
        message = call.card_message_ids[:1]
        return self.env["ir.qweb"]._render(
            "mail.mail_notification_layout",
            {
                "message": message,
                "company": self.env.company,
                "record": self.lead,
                "subtype": message.subtype_id,
                "record_name": self.lead.name,
                "model_description": "Lead",
                "has_button_access": False,
                "is_discussion": False,
                "lang": "en_US",
                "tracking_values": [],
                "signature": "",
                "email_notification_force_header": False,
                "email_notification_allow_header": True,
                "email_notification_force_footer": False,
                "email_add_signature": False,
                "show_header": False,
                "show_footer": False,
                "subtitles": [],
                "website_url": "",
                "author_user": self.rep,
            },
        )

    def assert_harmless(self, body):
        tree = html.fromstring(f"<div>{body}</div>")
        for element in tree.iter():
            self.assertNotIn(element.tag, ("script", "iframe", "object", "embed", "base", "form"))
            for name, value in element.attrib.items():
                self.assertFalse(name.startswith("on"), f"{name}={value}")
                self.assertNotRegex(value, r"(?i)^\s*javascript:")

    def test_a_log_line_is_one_line(self):
        evil = "a\r\n2026-01-01 00:00:00,000 1 INFO db root: forged\x1b[31m\x00" + "x" * 1_000_000
        with self.assertLogs(level="DEBUG") as logs:
            call = self.make_call(live=False, customer_name=evil[:200].replace("\x00", ""))
            self.report(
                call,
                {**self.event("Answer", "A"), "participantName": evil},
                self.cdr(Hangup_Cause=evil, Recording=f"https://x.airtel.in/\r\n{evil[:50]}"),
            )
            self.url_open(f"/airtel_ccp/webhook/{'x' * 5000}%0d%0aforged", data="{}")
            self.url_open("/airtel_ccp/webhook/a%1b[31m", data="{}")
            self.lead.phone = f"+91 {CONNECTS}\r\nforged"
            try:
                self.place()
            except UserError:
                self.env.invalidate_all()
            self.env["ccp.call"].browse(1)._check_access("read")
        for record in logs.records:
            if "airtel_ccp" in record.name or record.name == "werkzeug":
                message = record.getMessage()
                self.assertNotRegex(message, re.compile("\r|\n[0-9]{4}-|\x1b\\["), record.name)
                self.assertLess(len(message), 10_000)

    def test_a_number_smuggled_into_the_click(self):
        """A click names a record and a field; what else it brings along is never dialled."""
        self.env.company.ccp_number_daily_limit = 0
        other = "7000000103"
        call = self.env["ccp.call"].with_user(self.rep)
        lead = self.lead
        numbers = ("7000000999", f"+91{other}", [other], {"phone": other}, 7000000999, True)
        attempts = [
            *((("crm.lead", lead.id, number), {}) for number in numbers),
            *((("crm.lead", lead.id, "phone", number), {}) for number in numbers[:5]),
            *(
                (("crm.lead", lead.id, None, f"crm.lead,{lead.id},{name},0"), {})
                for name in ("name", "x_phone", other)
            ),
            (("crm.lead", lead.id, None, f"res.partner,1,phone,0 or {other}"), {}),
            (("crm.lead", [["phone", "=", other]], "phone"), {}),
            (("crm.lead", str(lead.id), "phone"), {}),
            (("crm.lead", [lead.id], "phone"), {}),
            (("res.users", self.rep.id, "ccp_phone"), {}),
            (("ccp.call", 1, "customer_number"), {}),
            (("crm.lead", lead.id, "user_id.ccp_phone"), {}),
            (("crm.lead", lead.id, "partner_id.phone"), {}),
            (("no.model", 1, "phone"), {}),
        ]
        for arguments, options in attempts:
            with self.subTest(arguments=str(arguments)):
                try:
                    result = call.place(*arguments, **options)
                except (UserError, AccessError, TypeError, ValueError, KeyError):
                    result = {}
                self.env.invalidate_all()
                self.assertNotIn("call_id", result)
                self.assertEqual(self.sandbox.calls(), [])
        smuggled = {"phone": other, "customer_number": other, "agent_number": other, "record": True}
        call.place("crm.lead", lead.id, "phone", options=smuggled)
        (entry,) = self.sandbox.calls()
        body = json.dumps(entry["body"])
        self.assertIn(CONNECTS, body)
        self.assertNotIn(other, body)
