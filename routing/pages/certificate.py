"""A certificate as a page: the verdict in one sentence, then what it rests on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from html import unescape
from typing import Any

from django.db.models import Q
from django.utils.html import format_html, strip_tags
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from leadmgmt.core import formats
from leads.facts import fact_named
from leads.models import FieldValue, User
from routing.editor import language
from routing.models import Certificate
from routing.pages.pools import Bar, bar_of
from routing.words import comparison_words, count_words, fact_value, gate_answer, gate_title, stopped_words

# The order in which gates are asked; on the page, leave and shift are one question.
ORDER = ("account", "share", "skills", "accepting", "declined", "leave", "shift", "open_leads", "per_day", "cap")


@dataclass(frozen=True)
class Gate:
    """One answer: pass, stop or skip (not asked, as an earlier one had stopped)."""

    state: str
    words: str

    @property
    def icon(self) -> str:
        """The mark of the state."""
        return {"pass": "check", "stop": "cross", "skip": "pause"}[self.state]


@dataclass(frozen=True)
class CandidateLine:
    """One candidate with all gates."""

    name: str
    user_id: int
    initials: str
    gates: list[Gate]
    balance: Decimal
    digits: int
    bar: Bar
    result: str
    is_chosen: bool
    is_stopped: bool


@dataclass(frozen=True)
class RuleStep:
    """One rule that was looked at."""

    position: int
    name: str
    held: bool
    told: str


@dataclass(frozen=True)
class FactLine:
    """A fact that a rule asked for."""

    label: str
    value: str
    origin: str


@dataclass(frozen=True)
class DrawShare:
    """One part of the line that the number falls on, on a scale of 800."""

    name: str
    x: str
    width: str
    text_x: str
    is_won: bool
    low: str
    high: str


def verdict_text(certificate: Certificate) -> str:
    """The same without marks, for programs."""
    return unescape(strip_tags(verdict(certificate)))


def verdict(certificate: Certificate) -> SafeString:
    """Why it came out so, in a few sentences."""
    rule = next((one for one in certificate.rules if one["held"]), None)
    if rule is None:
        count = len(certificate.rules)
        none = ngettext(
            "The one rule did not match, so the lead waits.",
            "None of the {count} rules matched, so the lead waits.",
            count,
        )
        return format_html(none, count=count)
    pattern = _("Rule {number} <strong>{name}</strong> was the first to match.")
    first = format_html(pattern, number=rule["position"], name=rule["name"])
    return format_html("{} {}", first, _outcome(certificate))


def _outcome(certificate: Certificate) -> SafeString | str:
    if certificate.outcome == "disqualified":
        return _("It disqualifies such leads.")
    people = certificate.candidates
    if not people:
        return _("It sends such leads to the waiting room.")
    free = [one for one in people if not one["gate"]]
    chosen = next((one for one in people if one["rep_id"] == certificate.draw.get("chosen")), None)
    if chosen is None:
        return _("Of %(reps)s nobody could take a lead at that moment.") % {"reps": count_words(len(people))}
    if chosen["role"] == "account":
        return _("%(name)s looks after the account.") % {"name": chosen["name"]}
    if chosen["role"] == "rule":
        return _("It names %(name)s.") % {"name": chosen["name"]}
    if chosen["role"] == "account_cover":
        return _("Who looks after the account is away; %(name)s stands in.") % {"name": chosen["name"]}
    if chosen["role"] == "cover":
        return _("Nobody of those it means could take a lead; for that it names %(name)s.") % {"name": chosen["name"]}
    tier = [one for one in people if one["role"] == chosen["role"]]
    if chosen["role"] == "fallback":
        people = tier
        free = [one for one in tier if not one["gate"]]
    asked = {"reps": count_words(len(people)), "pool": certificate.pool, "free": len(free)}
    could = ngettext(
        "Of {reps} in the pool <strong>{pool}</strong> one could take a lead at that moment.",
        "Of {reps} in the pool <strong>{pool}</strong> {free} could take a lead at that moment.",
        len(free),
    )
    return format_html("{} {}", format_html(could, **asked), _choice(certificate, chosen))


def _choice(certificate: Certificate, chosen: Mapping[str, Any]) -> str:
    by = certificate.draw["by"]
    words = {"name": chosen["name"], "owed": signed(Decimal(chosen["balance"]), digits_of(certificate))}
    if by == "draw":
        names = [one["name"] for one in certificate.candidates if one["rep_id"] in certificate.draw["tied"]]
        tied = _("%(names)s were owed the same and had waited equally long, so a draw decided: %(name)s.")
        return tied % (words | {"names": _listed(names)})
    if by == "fit":
        return _("%(name)s fits best.") % words
    if by == "load":
        return _("%(name)s had the fewest open leads for their share.") % words
    if by == "idle":
        return _("Several were owed the same; %(name)s had waited longest for a lead.") % words
    if by == "alone":
        return _("That was %(name)s.") % words
    return _("%(name)s was owed most (balance %(owed)s).") % words


def _listed(names: Sequence[str]) -> str:
    return _("%(first)s and %(last)s") % {"first": ", ".join(names[:-1]), "last": names[-1]}


def steps(certificate: Certificate) -> tuple[list[RuleStep], list[Mapping[str, Any]]]:
    """The rules that were read, with what their comparisons said, and those below the match."""
    read = [
        RuleStep(
            rule["position"],
            rule["name"],
            rule["held"],
            "; ".join(_told(rule)) or (_("holds for every lead") if rule["held"] else _("could not be read")),
        )
        for rule in certificate.rules
        if rule["held"] is not None
    ]
    return read, [rule for rule in certificate.rules if rule["held"] is None]


def _told(rule: Mapping[str, Any]) -> list[str]:
    """Of a rule that held, all that held; of another, what spoke against it."""
    return [comparison_words(step) for step in rule["trace"] if step["held"] == rule["held"]] or [
        comparison_words(step) for step in rule["trace"]
    ]


def columns(certificate: Certificate) -> list[str]:
    """The gates worth a column: switches, caps and shares only where somebody differs."""
    people = certificate.candidates
    caps = (("open_leads", "max_open_leads"), ("per_day", "max_per_day"))
    kept = ["shift", *(name for name, cap in caps if any(one[cap] is not None for one in people))]
    if any(one.get("caps") for one in people):
        kept.append("cap")
    if any(one.get("lacks") for one in people):
        kept = ["skills", *kept]
    if not all(one["is_accepting"] for one in people):
        kept = ["accepting", *kept]
    if any(one.get("has_declined") for one in people):
        kept = ["declined", *kept]
    return [*kept, "share"] if len({one["weight"] for one in people}) > 1 else kept


def column_titles(certificate: Certificate) -> list[str]:
    """The heads of the columns."""
    return [gate_title(name) for name in columns(certificate)]


def candidate_lines(certificate: Certificate) -> list[CandidateLine]:
    """Everybody who could have been chosen, the chosen one first, then by what they were owed."""
    chosen, names = certificate.draw.get("chosen"), columns(certificate)
    users = User.objects.in_bulk([one["user_id"] for one in certificate.candidates])
    people = sorted(
        certificate.candidates,
        key=lambda one: (one["rep_id"] != chosen, bool(one["gate"]), -Decimal(one["balance"]), one["name"]),
    )
    return [
        CandidateLine(
            name=one["name"],
            user_id=one["user_id"],
            initials=users[one["user_id"]].initials if one["user_id"] in users else one["name"][:2].upper(),
            gates=[_gate(name, one, certificate.decided_at) for name in names],
            balance=Decimal(one["balance"]),
            digits=digits_of(certificate),
            bar=bar_of(Decimal(one["balance"])),
            result=_result(one, certificate),
            is_chosen=one["rep_id"] == chosen,
            is_stopped=bool(one["gate"]),
        )
        for one in people
    ]


def _gate(name: str, one: Mapping[str, Any], at: datetime) -> Gate:
    """One cell; what comes after the gate that stopped somebody was not asked."""
    stop = one["gate"]
    if stop == name or (stop == "leave" and name == "shift"):
        return Gate("stop", gate_answer(stop, one, at))
    if stop and ORDER.index(name) > ORDER.index(stop):
        return Gate("skip", _("not asked"))
    return Gate("pass", gate_answer(name, one, at))


def _result(one: Mapping[str, Any], certificate: Certificate) -> str:
    draw = certificate.draw
    if one["gate"]:
        return stopped_words(one["gate"])
    if one["rep_id"] == draw.get("chosen"):
        by = {
            "draw": _("Chosen by draw"),
            "idle": _("Chosen, waited longest"),
            "balance": _("Chosen, owed most"),
            "fit": _("Chosen, fits best"),
            "load": _("Chosen, fewest open leads"),
        }
        return by.get(draw["by"], _("Chosen"))
    if one["rep_id"] in draw.get("tied", []):
        return _("Lost the draw")
    chosen = next((each for each in certificate.candidates if each["rep_id"] == draw.get("chosen")), None)
    if chosen and chosen["role"] == "account":
        return _("The account has an owner")
    if chosen and chosen["role"] != one["role"]:
        return _("Not their turn")
    if draw["by"] == "fit":
        return _("Fits less")
    if draw["by"] == "load":
        return _("Had more open leads")
    is_tie = draw.get("by") in ("idle", "draw") and chosen is not None
    same = is_tie and chosen and (one["balance"], one["weight"]) == (chosen["balance"], chosen["weight"])
    return _("Had a lead more recently") if same else _("Owed less")


def after_words(certificate: Certificate) -> str:
    """What the decision did to the balances."""
    names = {str(one["rep_id"]): one["name"] for one in certificate.candidates}
    after = certificate.draw.get("after") or {}
    chosen = next((one for one in certificate.candidates if one["rep_id"] == certificate.draw.get("chosen")), None)
    if certificate.pool is None or not after or chosen is None or chosen["role"] not in ("pool", "fallback"):
        return ""
    moved = ", ".join(f"{names[rep]} {signed(Decimal(amount))}" for rep, amount in sorted(after.items()))
    words = {"moved": moved, "name": names[str(certificate.draw["chosen"])]}
    return (
        _("After the decision: %(moved)s. Each was credited their share of one lead, %(name)s was debited it.") % words
    )


def draw_shares(certificate: Certificate) -> list[DrawShare]:
    """Who was drawn between, as parts of a line; nothing where no draw was needed."""
    tied = certificate.draw.get("tied") or []
    names = {one["rep_id"]: one["name"] for one in certificate.candidates}
    size = 800 / len(tied) if tied else 0
    return [
        DrawShare(
            names[rep],
            f"{place * size + 1:.1f}",
            f"{size - 2:.1f}",
            f"{place * size + 11:.1f}",
            rep == certificate.draw["chosen"],
            formats.number(place / len(tied), 2),
            formats.number((place + 1) / len(tied), 2),
        )
        for place, rep in enumerate(tied)
    ]


def facts_read(certificate: Certificate) -> list[FactLine]:
    """The facts that the rules asked for, with their origin where one is kept."""
    names: dict[str, None] = {}
    for rule in certificate.rules:
        names |= dict.fromkeys(step["fact"] for step in rule.get("trace") or [])
    contact = certificate.lead.contact
    theirs = Q(contact=contact) | Q(company=contact.company_id, company__isnull=False)
    values = FieldValue.objects.filter(theirs, at__lte=certificate.decided_at)
    origins = {
        f"{'contact' if value.contact_id else 'company'}.{value.field}": value.origin for value in values.order_by("at")
    }
    lines = []
    for name in names:
        fact = fact_named(name)
        label = fact.label(language()) if fact else name
        lines.append(FactLine(label, fact_value(certificate.facts.get(name)), origins.get(name, "")))
    return lines


def digits_of(certificate: Certificate) -> int:
    """So many digits that two balances that differ also read so."""
    balances = {Decimal(one["balance"]) for one in certificate.candidates}
    return next((n for n in range(2, 6) if len({round(one, n) for one in balances}) == len(balances)), 6)


def signed(balance: Decimal, digits: int = 2) -> str:
    """A balance with its sign, to the hundredth."""
    rounded = round(balance, digits)
    sign = "+" if rounded > 0 else "−" if rounded < 0 else ""
    return sign + formats.number(abs(rounded), digits)
