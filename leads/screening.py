"""Who is kept out: spam, machines, addresses for one day. What is held waits in the quarantine with its reason.

Nothing here refuses anybody: a held submission is one click away from being a lead, and how often that click was
needed is shown as the share of false alarms. Files, entries by hand and what was released are not screened.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.utils.translation import gettext as _

from leadmgmt.core.now import now
from leads.channels.base import SetAside
from leads.configuration import Kept
from leads.enrichers.email_class import classify
from leads.models import Capture, Channel, Listed, Organisation
from leads.normalise import Submission
from leads.normalise.text import fold

TRUSTED = frozenset({Channel.Kind.IMPORT.value, Channel.Kind.MANUAL.value})
# Doors that anybody may knock at: here the same sender over and over is a machine.
OPEN_DOORS = frozenset({Channel.Kind.FORM.value, Channel.Kind.SALESFORCE.value})
MOST_LINKS = 4
MOST_AT_ONCE, AT_ONCE = 8, timedelta(minutes=10)
CODES = ("trap", "fast", "blocked", "disposable", "links", "pattern", "gibberish", "unproved", "flood")
_LINK = re.compile(r"https?://|www\.|\[url|<a\s", re.IGNORECASE)
# What is sold by the million; folded words.
_PATTERN = re.compile(
    r"\b(?:viagra|cialis|casino bonus|online casino|seo services|backlinks?|guest posts?|rank (?:your|higher)|"
    r"crypto(?:currency)? investment|forex signals|payday loan|adult dating|replica watches|cheap pills)\b"
)
_CONSONANTS = re.compile(r"[bcdfghjklmnpqrstvwxz]{6,}", re.IGNORECASE)
_MIXED = re.compile(r"[a-z][A-Z]")
# Names of people do not look like this; those of some languages come close, so both signs are needed.
LONGEST_WORD = 10


@dataclass(frozen=True)
class Lists:
    """What is listed, by kind, and which checks are switched off."""

    blocked: dict[str, frozenset[str]] = field(default_factory=dict)
    allowed: dict[str, frozenset[str]] = field(default_factory=dict)
    off: frozenset[str] = frozenset()


def _load() -> Lists:
    found: dict[str, dict[str, set[str]]] = {"block": {}, "allow": {}}
    for kind, value, verdict in Listed.objects.values_list("kind", "value", "verdict"):
        found[verdict].setdefault(kind, set()).add(value)
    told = Organisation.objects.values_list("screening", flat=True).first()
    off = told.get("off", []) if isinstance(told, dict) else []
    frozen = {verdict: {kind: frozenset(values) for kind, values in kinds.items()} for verdict, kinds in found.items()}
    return Lists(frozen["block"], frozen["allow"], frozenset(map(str, off)))


lists = Kept(_load, "leads_listed", "leads_organisation")


def held(code: str, detail: str) -> SetAside:
    """Into the quarantine."""
    return SetAside(Capture.Status.QUARANTINED, code, detail)


def trapped() -> SetAside:
    """The verdict on a form whose field that no person sees was filled in."""
    return held("trap", _("A field that no person sees was filled in."))


def screen(capture: Capture, found: Submission) -> None:
    """Raise SetAside for a submission that is to be held."""
    if capture.channel.kind in TRUSTED or capture.context.get("history"):
        return
    known = lists()
    signs = dict(_signs(capture, found))
    if any(signs.get(kind) in values for kind, values in known.allowed.items()):
        return
    for code, detail in _doubts(capture, found, signs, known):
        if code not in known.off:
            raise held(code, detail)


def _signs(capture: Capture, found: Submission) -> Iterator[tuple[str, str]]:
    """What a sender may be listed by."""
    if found.email:
        yield "email", found.email.lower()
        yield "domain", found.email.rpartition("@")[2].lower()
    if found.phone:
        yield "phone", found.phone
    if address := str(capture.context.get("ip") or ""):
        yield "ip", address


def _doubts(capture: Capture, found: Submission, signs: dict[str, str], known: Lists) -> Iterator[tuple[str, str]]:
    for kind, value in signs.items():
        if value in known.blocked.get(kind, ()):
            yield "blocked", _("The sender is on your blocklist: %(value)s.") % {"value": value}
    message = fold(f"{found.subject} {found.message}")
    for words in known.blocked.get("word", ()):
        if fold(words) in message:
            yield "blocked", _("Words of your blocklist stand in it: %(words)s.") % {"words": words}
    if found.email and classify(found.email) == "disposable":
        yield "disposable", _("The address is one for a day: %(domain)s.") % {"domain": signs["domain"]}
    if (links := len(_LINK.findall(found.message))) > MOST_LINKS:
        yield "links", _("The message holds %(count)d links.") % {"count": links}
    if _PATTERN.search(message):
        yield "pattern", _("The message reads like what is sent to thousands.")
    if _is_gibberish(found):
        yield "gibberish", _("The name is made of letters at random.")
    if _is_unproved(capture.payload):
        yield "unproved", _("The mail does not come from whom it names: SPF or DKIM failed.")
    if capture.channel.kind in OPEN_DOORS and "ip" in signs and _is_flood(capture, signs["ip"]):
        yield "flood", _("The same computer has sent %(count)d in ten minutes.") % {"count": MOST_AT_ONCE}


def _is_gibberish(found: Submission) -> bool:
    """Letters at random, as machines fill them in: long words with capitals inside and no vowels for long."""
    words = f"{found.first_name} {found.last_name}".split()
    suspicious = [
        word
        for word in words
        if len(word) >= LONGEST_WORD
        and word.isascii()
        and word.isalpha()
        and (len(_MIXED.findall(word)) > 2 or _CONSONANTS.search(word))
    ]
    return bool(suspicious) and len(suspicious) == len(words)


def _is_unproved(payload: Any) -> bool:
    told = payload if isinstance(payload, dict) else {}
    return str(told.get("spf", "")).lower() == "fail" or "fail" in str(told.get("dkim", "")).lower()


def _is_flood(capture: Capture, address: str) -> bool:
    since = now() - AT_ONCE
    same = Capture.objects.filter(channel=capture.channel_id, received_at__gte=since, context__ip=address)
    return same.exclude(pk=capture.pk)[:MOST_AT_ONCE].count() >= MOST_AT_ONCE


def reason_words(code: str) -> str:
    """A verdict's name, for lists and filters."""
    words = {
        "trap": _("Filled in by a machine"),
        "erased": _("Erased on request"),
        "fast": _("Sent too fast"),
        "blocked": _("Blocklist"),
        "disposable": _("Address for a day"),
        "links": _("Many links"),
        "pattern": _("Mass mail"),
        "gibberish": _("Random letters"),
        "unproved": _("Forged sender"),
        "flood": _("Many at once"),
    }
    return words.get(code, code)
