import logging
from collections import defaultdict

from lxml import etree, html
from markupsafe import Markup, escape

from odoo import api, models
from odoo.tools import SQL, get_lang

from ..ccp.safe import number
from .ccp_call_bounds import MAX_NOTE
from .ccp_call_recording import PLAYABLE
from .ccp_call_words import shorten
from .contention import CONTENTION, is_gone

_logger = logging.getLogger(__name__)

# The CSS class of every chatter card's text, also of cards that earlier versions stored
CARD_CLASS = "o_airtel_ccp_card"
LINES_CLASS = "o_airtel_ccp_lines"
# How many lines one card shows: a sender that loops must not fill a chatter
MAX_LINES = 40


class CcpCall(models.Model):
    """The chatter card of a call: its stored text, and what each reader sees."""

    _inherit = "ccp.call"

    # Who may see what

    def _filtered_audible(self):
        """Return those of these calls whose recording the current user may hear.

        The card, the player and the address of a recording all use this rule. It does not say
        whether there is a recording.

        :rtype: odoo.models.BaseModel
        """
        may_listen = self._may_listen()
        return self._filtered_access("read") if may_listen else self.browse()

    @api.model
    def _no_access_sentence(self):
        """Return one sentence for calls that don't exist and calls that the user may not see.

        :rtype: str
        """
        return self.env._(
            "You may not listen to this call, or there is no such call: ask a manager of your "
            "company's calls."
        )

    @api.model
    def _open_places(self, places):
        """Return the chatters whose readers may all read a call's note, too.

        These are the chatters of records of the call's company; if there is only one company, all.

        :param list places: tuples of a ``ccp.call`` (as superuser), and model and id of the record
        :return: those of the places that fulfil this, if the call has a note or an outcome
        :rtype: set[tuple]
        """
        return self._own_places({place for place in places if place[0].note or place[0].outcome_id})

    @api.model
    def _own_places(self, places):
        """Return the places whose record belongs to the call's company, see ``_open_places``.

        :param set places: tuples of a ``ccp.call`` (as superuser), and model and id of the record
        :rtype: set[tuple]
        """
        if not places:
            return places
        companies = self.env["res.company"].sudo().with_context(active_test=False)
        if companies.search_count([], limit=2) < 2:
            return places
        ids = defaultdict(set)
        for _call, model, res_id in places:
            if model in self.env and "company_id" in self.env[model]._fields:
                ids[model].add(res_id)
        homes = {
            (model, record.id): record.company_id
            for model, some in ids.items()
            for record in self.env[model].sudo().browse(some).exists()
        }
        return {place for place in places if homes.get(place[1:]) == place[0].company_id}

    def _is_open_on(self, record):
        """Return whether every reader of a record may read note and outcome of this call.

        :param record: the record on which something is posted or planned
        :rtype: bool
        """
        return bool(self._own_places({(self.sudo(), record._name, record.id)}))

    # What is stored

    def _card_body(self, story, has_note):
        """Return the stored text of a call's card: for search, mail, portal and the API.

        :param ccp.call.timeline.Timeline story: what the call's reports say
        :param bool has_note: whether every reader of the record may read note and outcome
        :return: HTML in the language of the call's company, every outside text escaped
        :rtype: markupsafe.Markup
        """
        call = self._in_company_language()
        values = {
            **call._card_values(story, has_note),
            "lines": [] if call.reports_deleted else call._card_lines(story),
            # Without reports the story cannot be made again: the stored one stays
            "kept_lines": call.reports_deleted
            and call._kept_lines(call.card_message_ids[:1])
            or "",
            "phone": number.mask(call.customer_number or ""),
            "can_listen": True,
        }
        return call._render("call_card", values)

    def _render(self, template, values):
        """Return HTML in the environment's language.

        :param str template: name of one of the addon's templates
        :param dict values: all values that it shows; more would cost reading the user
        :rtype: markupsafe.Markup
        """
        templates = self.env["ir.qweb"]
        return templates._render(f"airtel_ccp.{template}", values, minimal_qcontext=True)

    def _card_values(self, story, has_note):
        """Return the values that the stored card and the reader's card share."""
        return {
            "call": self,
            "title": self._title(),
            "headline": self._headline(story),
            "route": self._route_sentence(),
            "tone": self.tone,
            "outcome": has_note and self.outcome_id.name or "",
            "note": self._note_html() if has_note and self.note else "",
            "is_recorded": self.recording_state in PLAYABLE,
        }

    def _note_html(self):
        """Return the note as it was typed: tags are escaped, line breaks stay.

        :rtype: markupsafe.Markup
        """
        lines = shorten(self.note, MAX_NOTE).splitlines()
        return Markup("<br/>").join(escape(line) for line in lines)

    def _card_lines(self, story):
        """Return a card's lines in words; if there are too many, the first and the last ones.

        :param ccp.call.timeline.Timeline story: what the reports say
        :return: see ``_line_values``
        :rtype: list[dict]
        """
        return self._some_lines(
            story,
            MAX_LINES,
            lambda left_out: self.env._("%s more: see the call's own page", left_out),
        )

    def _some_lines(self, story, limit, left_out_text):
        """Return a story's lines in words; if there are too many, the first and the last ones.

        :param ccp.call.timeline.Timeline story: what the reports say
        :param int limit: how many lines there are at most
        :param left_out_text: called with the number of lines left out; returns a sentence
        :return: see ``_line_values``
        :rtype: list[dict]
        """
        lines = story.lines
        left_out = len(lines) - limit
        if left_out <= 0:
            return [self._line_values(line) for line in lines]
        half = limit // 2
        text = left_out_text(left_out)
        return [
            *(self._line_values(line) for line in lines[:half]),
            {"offset": "", "text": text, "cause": "", "leg": ""},
            *(self._line_values(line) for line in lines[-half:]),
        ]

    # What a reader sees

    @api.model
    def _reader_cards(self, messages):
        """Return the chatter cards among some messages as the current user may see them.

        A card that fails is logged and left out; the reader then sees its stored text.

        :param messages: ``mail.message`` records that the user may read
        :return: by message: HTML in the user's language
        :rtype: dict
        """
        links = self.env.execute_query(
            SQL(
                "SELECT message_id, call_id FROM ccp_call_card_message_rel"
                " WHERE message_id = ANY(%s)",
                messages.ids,
            )
        )
        return self._reader_cards_of(messages, dict(links)) if links else {}

    @api.model
    def _reader_cards_of(self, messages, call_ids):
        """Return the cards of some messages; if one fails, make each by itself.

        :param dict call_ids: the call's id by the message's id
        """
        some = messages.filtered(lambda message: message.id in call_ids)
        try:
            with self.env.cr.savepoint(flush=False):
                return self._render_cards(some, call_ids)
        except CONTENTION:
            raise
        except Exception:  # noqa: BLE001 - a card must never keep a chatter from opening
            if is_gone(self.env.cr):
                raise
            if len(some) == 1:
                _logger.exception("Message %s: its call's card cannot be shown", some.id)
                return {}
        found = {}
        for message in some:
            found.update(self._reader_cards_of(message, call_ids))
        return found

    @api.model
    def _render_cards(self, messages, call_ids):
        """Return the cards of some messages; if one fails, all fail. See ``_reader_cards``."""
        calls = self.browse({call_ids[message.id] for message in messages})
        audible = set(calls._filtered_audible()._ids)
        own_companies = self.env.user.sudo().company_ids
        lang = self.env.lang or get_lang(self.env, self.env.user.lang).code
        known = calls.sudo().with_context(lang=lang)
        stories = known._timelines()
        places = {
            message: (
                known.browse(call_ids[message.id]).with_prefetch(known._ids),
                message.model,
                message.res_id,
            )
            for message in messages
        }
        opened = self._open_places(
            [place for place in places.values() if place[0].company_id not in own_companies]
        )
        shown = {}
        for message, place in places.items():
            call = place[0]
            has_note = call.company_id in own_companies or place in opened
            values = {
                **call._card_values(stories[call], has_note),
                "lines": call._card_lines(stories[call]),
                "kept_lines": call._kept_lines(message) if call.reports_deleted else "",
                "phone": number.mask(call.customer_number or ""),
                "when": call._when(),
                "can_listen": call.id in audible,
            }
            template = "call_card_erased" if call.erased else "call_card_shown"
            shown[message] = call._render(template, values)
        return shown

    def _kept_lines(self, message):
        """Return the story as a card stored it, for a call whose reports were deleted since.

        :rtype: markupsafe.Markup
        """
        tree = html.fragment_fromstring(message.sudo().body or "", create_parent=True)
        found = tree.find_class(LINES_CLASS)
        if not found:
            return Markup()
        # Odoo sanitized it when it was stored
        return Markup(  # noqa: S704
            etree.tostring(found[0], encoding="unicode", method="html", with_tail=False)
        )
