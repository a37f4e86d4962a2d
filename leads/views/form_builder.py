"""The form builder: questions, consents, words, looks, embedding; a draft with its preview, then published."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from leadmgmt.core.errors import DomainError
from leadmgmt.core.messages import message_with_undo
from leadmgmt.core.now import now
from leadmgmt.core.permissions import ADMIN, MARKETING, role_required
from leadmgmt.core.web import post_from
from leads.access import person
from leads.channels.base import Snippet
from leads.channels.form import CHOSEN, TYPES, WrongForm, read_form
from leads.channels.form_style import FONTS, THEMES
from leads.models import Channel, Consent
from leads.services.form_drafts import discard, draft_of, publish, revision_of, save_draft, take_back

WORDS = (
    ("title", gettext_lazy("Title")),
    ("intro", gettext_lazy("Introduction")),
    ("button", gettext_lazy("Button")),
    ("note", gettext_lazy("Note below")),
    ("thanks", gettext_lazy("Thanks")),
)
MOST_QUESTIONS = 40
# What is asked most, with its labels; any other key is an answer of one's own.
READY = {
    "first_name": ("text", "First name", "Vorname"),
    "last_name": ("text", "Last name", "Nachname"),
    "email": ("email", "Work e-mail", "Geschäftliche E-Mail"),
    "phone": ("tel", "Phone", "Telefon"),
    "company": ("text", "Company", "Unternehmen"),
    "job_title": ("text", "Job title", "Position"),
    "country": ("text", "Country", "Land"),
    "region": ("text", "State or region", "Region"),
    "postal_code": ("text", "Postal code", "Postleitzahl"),
    "city": ("text", "City", "Ort"),
    "website": ("text", "Website", "Website"),
    "message": ("textarea", "What would you like to solve?", "Was möchten Sie lösen?"),
}


@require_http_methods(["GET", "POST"])
@role_required(ADMIN, MARKETING)
def form_builder(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the draft, or take over what was changed and done with it."""
    channel = get_object_or_404(Channel, slug=slug, kind=Channel.Kind.FORM)
    if request.method == "POST":
        return _change(request, channel)
    return _page(request, channel, draft_of(channel))


def _change(request: HttpRequest, channel: Channel) -> HttpResponse:
    form = _moved(_posted(request.POST, draft_of(channel)), request.POST.get("act", "save"))
    revision = int(told) if (told := request.POST.get("revision", "")).isdigit() else -1
    try:
        save_draft(channel.pk, form, revision)
        if request.POST.get("act") == "publish":
            publish(channel.pk, by=person(request), at=now())
            undo = reverse("leads:form_take_back", args=[channel.slug])
            message_with_undo(request, _("The form is published."), undo)
    except WrongForm as error:
        messages.error(request, str(error))
    except DomainError as error:
        # What was written stays on the page; the revision is the colleague's, so that a second try is meant.
        messages.error(request, str(error))
        channel.refresh_from_db()
        return _page(request, channel, form, status=409)
    return redirect("leads:form_builder", channel.slug)


def _page(request: HttpRequest, channel: Channel, form: dict[str, Any], status: int = 200) -> HttpResponse:
    try:
        read_form(form)
        problem = ""
    except WrongForm as error:
        problem = str(error)
    address = request.build_absolute_uri(reverse("leads:hosted_form", args=[channel.slug]))
    style = form.get("style") if isinstance(form.get("style"), dict) else {}
    context = {
        "channel": channel,
        "form": form,
        "problem": problem,
        "revision": revision_of(channel),
        "has_draft": isinstance(channel.config.get("draft"), dict),
        "words": [(name, label, _both(form, name)) for name, label in WORDS],
        "questions": [_row(one) for one in form.get("fields") or [] if isinstance(one, dict)],
        "consents": [
            *(_consent(one) for one in form.get("consents") or [] if isinstance(one, dict)),
            _consent({}),
        ],
        "purposes": Consent.Purpose.choices,
        "types": TYPES,
        "ready": [key for key in READY if key not in {one.get("key") for one in form.get("fields") or []}],
        "style": style,
        "themes": THEMES,
        "fonts": tuple(FONTS),
        "origins": "\n".join(map(str, form.get("origins") or [])),
        "snippets": _snippets(address),
        "preview": f"{reverse('leads:hosted_form', args=[channel.slug])}?draft={revision_of(channel)}",
    }
    return render(request, "leads/form_builder.html", context, status=status)


def _both(form: dict[str, Any], name: str) -> tuple[str, str]:
    return str(form.get(f"{name}_en") or form.get(name) or ""), str(form.get(f"{name}_de") or "")


def _consent(one: dict[str, Any]) -> dict[str, str]:
    english, german = _both(one, "text")
    told = {"purpose": str(one.get("purpose") or ""), "version": str(one.get("version") or "")}
    return {**told, "text_en": english, "text_de": german}


def _row(one: dict[str, Any]) -> dict[str, Any]:
    """A question as the page shows it: options as lines `value | English | German`."""
    lines = []
    for option in one.get("options") or []:
        if isinstance(option, dict):
            parts = [str(option.get(name) or "") for name in ("value", "label_en", "label_de")]
            lines.append(" | ".join(parts).rstrip(" |"))
        else:
            lines.append(str(option))
    label, help_text = _both(one, "label"), _both(one, "help")
    return {
        **one,
        "option_lines": "\n".join(lines),
        "labels": label,
        "helps": help_text,
        "type": one.get("type", "text"),
    }


def _snippets(address: str) -> list[Snippet]:
    frame = f'<iframe src="{address}?embed=1" title="" width="100%" height="640" frameborder="0"></iframe>'
    script = f'<script src="{address}embed.js" async></script>\n<noscript><a href="{address}">{address}</a></noscript>'
    plain = (
        f'<form action="{address}" method="post">\n  <input name="email" type="email" required>\n'
        '  <input name="website_hp" hidden>\n  <button>Send</button>\n</form>'
    )
    return [
        Snippet(_("As a link"), address),
        Snippet(_("Inside your page, with where the visit comes from"), script.replace(" async", "")),
        Snippet(_("Inside your page, without a script"), frame),
        Snippet(_("Your own form"), plain, _("Switch on “forms of other pages may post here” first.")),
    ]


def _posted(told: QueryDict, before: dict[str, Any]) -> dict[str, Any]:
    """The form as it stands on the page; what the page does not show stays."""
    form = dict(before)
    for name, _label in WORDS:
        form.pop(name, None)
        form[f"{name}_en"] = told.get(f"{name}_en", "").strip()
        form[f"{name}_de"] = told.get(f"{name}_de", "").strip()
    for name in ("privacy_url", "redirect_url", "subject"):
        form[name] = told.get(name, "").strip()
    numbers = [int(number) for number in told.getlist("row") if number.isdigit()][:MOST_QUESTIONS]
    known = {str(one.get("key")): one for one in before.get("fields") or [] if isinstance(one, dict)}
    form["fields"] = [_question(told, number, known) for number in numbers]
    form["consents"] = [
        {"purpose": purpose, "text_en": english.strip(), "text_de": german.strip()}
        for purpose, english, german in zip(
            told.getlist("purpose"), told.getlist("consent_en"), told.getlist("consent_de"), strict=False
        )
        if purpose and (english.strip() or german.strip())
    ]
    radius = told.get("radius", "").strip()
    form["style"] = {
        "accent": told.get("accent", "").strip(),
        "radius": radius,
        "theme": told.get("theme", "auto"),
        "font": told.get("font", "system"),
    }
    form["origins"] = [line.strip() for line in told.get("origins", "").splitlines() if line.strip()]
    seconds = told.get("least_seconds", "").replace(",", ".")
    form["least_seconds"] = float(seconds) if seconds.replace(".", "", 1).isdigit() else seconds or 0
    for name in ("has_trap", "takes_direct", "is_progressive", "confirms"):
        form[name] = told.get(name) == "1"
    at_once = told.get("at_once", "")
    form["at_once"] = int(at_once) if at_once.isdigit() else 3
    return form


def _question(told: QueryDict, number: int, known: dict[str, dict[str, Any]]) -> dict[str, Any]:
    def text(name: str) -> str:
        return told.get(f"{name}-{number}", "").strip()

    kind = text("type")
    question: dict[str, Any] = {**known.get(text("was"), {}), "key": text("key"), "type": kind}
    for name in ("label_en", "label_de", "help_en", "help_de"):
        question[name] = text(name)
    question.pop("label", None)
    for name in ("required", "half", "later"):
        question[name] = told.get(f"{name}-{number}") == "1"
    if kind in CHOSEN:
        question["options"] = [_option(line) for line in text("options").splitlines() if line.strip()]
    else:
        question.pop("options", None)
    return question


def _option(line: str) -> dict[str, str]:
    value, _bar, rest = (part.strip() for part in line.partition("|"))
    english, _bar, german = (part.strip() for part in rest.partition("|"))
    return {"value": value, "label_en": english or value, "label_de": german}


def _moved(form: dict[str, Any], act: str) -> dict[str, Any]:
    """Do what a button of a row says: up, down, remove, add."""
    word, _colon, about = act.partition(":")
    rows: list[dict[str, Any]] = form["fields"]
    if word == "add" and len(rows) < MOST_QUESTIONS:
        kind, english, german = READY.get(about, ("text", "", ""))
        rows.append(
            {"key": about or f"question_{len(rows) + 1}", "type": kind, "label_en": english, "label_de": german}
        )
    elif about.isdigit() and int(about) < len(rows):
        at = int(about)
        if word == "remove":
            del rows[at]
        elif word == "up" and at > 0:
            rows[at - 1], rows[at] = rows[at], rows[at - 1]
        elif word == "down" and at + 1 < len(rows):
            rows[at + 1], rows[at] = rows[at], rows[at + 1]
    return form


@role_required(ADMIN, MARKETING)
@post_from("leads:form_builder", "slug")
def form_discard(request: HttpRequest, slug: str) -> HttpResponse:
    """Forget the draft."""
    discard(get_object_or_404(Channel, slug=slug, kind=Channel.Kind.FORM).pk)
    messages.success(request, _("The draft is gone; the published form is as it was."))
    return redirect("leads:form_builder", slug)


@role_required(ADMIN, MARKETING)
@post_from("leads:form_builder", "slug")
def form_take_back(request: HttpRequest, slug: str) -> HttpResponse:
    """Go back to what was published before."""
    try:
        take_back(get_object_or_404(Channel, slug=slug, kind=Channel.Kind.FORM).pk)
        messages.success(request, _("The form is as it was before."))
    except DomainError as error:
        messages.error(request, str(error))
    return redirect("leads:form_builder", slug)
