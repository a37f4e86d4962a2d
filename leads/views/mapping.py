"""The mapping editor: what a service's fields mean, tried against what it has sent."""

import json
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods

from leadmgmt.core.now import now
from leadmgmt.core.permissions import ADMIN, MARKETING, role_required
from leadmgmt.core.web import is_partial, post_from
from leads.channels.tree import text
from leads.channels.webhook import SINGLE, FieldMap, check_mapping, find, mapping_of, propose, quoted
from leads.models import Capture, Channel
from leads.normalise.cells import TEXTS
from leads.services.reread import Outcome, reread_channel
from leads.services.understood import Understood, understand

NEWEST = 20
MOST_VALUES = 300
EXTRA_ROWS = 3
MOST_ROWS = 60
# Our fields in the order in which an admin thinks of them.
FIELDS = (
    "email first_name last_name name phone company job_title message subject country region postal_code city website "
    "language source campaign utm_source utm_medium utm_campaign utm_term utm_content landing_page referrer external_id"
).split()
SPECIAL = {
    "list": (
        gettext_lazy("List of submissions"),
        gettext_lazy("Where one call brings several of them."),
    ),
    "id": (gettext_lazy("Id of a submission"), gettext_lazy("The same id with the same content changes nothing.")),
    "occurred_at": (gettext_lazy("When it happened"), gettext_lazy("The time of arrival counts where it is empty.")),
    "test": (gettext_lazy("Is a test"), gettext_lazy("True for what is to become no lead.")),
    "ignore": (gettext_lazy("Is no submission"), gettext_lazy("True for what is to be put aside.")),
}
MAPPED = (Channel.Kind.WEBHOOK, Channel.Kind.SALESFORCE)


@dataclass(frozen=True)
class Row:
    """One row of the editor: what it is called, its expression, what that finds, and what is wrong with it."""

    name: str
    label: str
    expression: str = ""
    found: str = ""
    error: str = ""
    help: str = ""


@require_http_methods(["GET", "POST"])
@role_required(ADMIN, MARKETING)
def channel_mapping(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the mapping, try it (htmx, nothing is saved), or save it."""
    channel = get_object_or_404(Channel, slug=slug, kind__in=MAPPED)
    if channel.kind == Channel.Kind.SALESFORCE:
        return _custom_fields(request, channel)
    newest = list(Capture.objects.filter(channel=channel)[:NEWEST])
    chosen = next((one for one in newest if str(one.pk) == request.GET.get("capture")), newest[0] if newest else None)
    mapping = _posted(request.POST) if request.method == "POST" else mapping_of(channel.config)
    if request.GET.get("propose") and chosen and request.method == "GET":
        mapping = FieldMap(**{**vars(mapping), "fields": propose(chosen.payload) | mapping.fields})
    wrong = check_mapping(mapping)
    if request.method == "POST" and not is_partial(request) and not wrong:
        channel.config = {**_config(channel), "mapping": vars(mapping)}
        channel.save(update_fields=["config"])
        messages.success(request, _("The mapping is saved. What comes in from now on is read by it."))
        return redirect("leads:channel_mapping", slug)
    context = _context(channel, mapping, chosen, wrong) | {"newest": newest, "at": now()}
    template = "leads/_mapping_rows.html" if is_partial(request) else "leads/channel_mapping.html"
    status = 422 if wrong and request.method == "POST" and not is_partial(request) else 200
    return render(request, template, context, status=status)


def _config(channel: Channel) -> dict[str, Any]:
    return dict(channel.config) if isinstance(channel.config, dict) else {}


def _posted(told: QueryDict) -> FieldMap:
    """The mapping as it stands in the form."""
    pairs = dict(zip(told.getlist("field")[:MOST_ROWS], told.getlist("expression"), strict=False))
    constants = dict(zip(told.getlist("constant")[:MOST_ROWS], told.getlist("value"), strict=False))
    return FieldMap(
        **{name: told.get(f"special_{name}", "").strip() for name in SINGLE},
        fields={name.strip()[:80]: value.strip() for name, value in pairs.items() if name.strip() and value.strip()},
        constants={name.strip()[:80]: value.strip() for name, value in constants.items() if name.strip() and value},
    )


def _context(channel: Channel, mapping: FieldMap, chosen: Capture | None, wrong: dict[str, str]) -> dict[str, Any]:
    tree = chosen.payload if chosen else {}
    others = [name for name in mapping.fields if name not in FIELDS]
    rows = [
        Row(name, name, mapping.fields.get(name, ""), _shown(mapping.fields.get(name, ""), tree), wrong.get(name, ""))
        for name in (*FIELDS, *others)
    ]
    special = [
        Row(
            name,
            str(label),
            getattr(mapping, name),
            _shown(getattr(mapping, name), tree),
            wrong.get(name, ""),
            str(why),
        )
        for name, (label, why) in SPECIAL.items()
    ]
    return {
        "channel": channel,
        "rows": rows,
        "blank": range(EXTRA_ROWS),
        "special": special,
        "constants": [*mapping.constants.items(), ("", "")],
        "chosen": chosen,
        "values": _values(tree),
        "raw": json.dumps(tree, indent=2, ensure_ascii=False)[:50_000],
        "understood": _would(channel, mapping, chosen) if chosen and not wrong else None,
    }


def _shown(expression: str, tree: Any) -> str:
    return text(find(expression, tree))[:120] if expression else ""


def _would(channel: Channel, mapping: FieldMap, chosen: Capture) -> Understood:
    """What the chosen submission would be read as by this mapping, which may not be saved."""
    chosen.channel = Channel(kind=channel.kind, slug=channel.slug, config={"mapping": vars(mapping)})
    return understand(chosen)


def _values(tree: Any) -> list[tuple[str, str]]:
    """Every single value with the path that leads to it."""
    found: list[tuple[str, str]] = []

    def walk(inner: Any, path: str) -> None:
        if len(found) >= MOST_VALUES:
            return
        if isinstance(inner, dict):
            for key, value in inner.items():
                walk(value, f"{path}.{quoted(str(key))}" if path else quoted(str(key)))
        elif isinstance(inner, list):
            for number, value in enumerate(inner[:20]):
                walk(value, f"{path}[{number}]")
        elif text(inner):
            found.append((path, text(inner)[:120]))

    walk(tree, "")
    return found


def _custom_fields(request: HttpRequest, channel: Channel) -> HttpResponse:
    """Salesforce's own fields have numbers for names: which is which."""
    known = _config(channel).get("fields")
    mapping = {str(key): str(value) for key, value in known.items()} if isinstance(known, dict) else {}
    if request.method == "POST":
        pairs = zip(request.POST.getlist("custom"), request.POST.getlist("field"), strict=False)
        mapping = {key.strip()[:80]: name.strip()[:80] for key, name in pairs if key.strip() and name.strip()}
        channel.config = {**_config(channel), "fields": mapping}
        channel.save(update_fields=["config"])
        messages.success(request, _("The mapping is saved. What comes in from now on is read by it."))
        return redirect("leads:channel_mapping", channel.slug)
    seen: dict[str, str] = dict.fromkeys(mapping, "")
    for payload in Capture.objects.filter(channel=channel).values_list("payload", flat=True)[:50]:
        for key, value in payload.items() if isinstance(payload, dict) else ():
            if key.startswith("00N") or key in mapping:
                seen[key] = seen.get(key) or text(value)[:120]
    rows = [(key, mapping.get(key, ""), example) for key, example in seen.items()]
    context = {"channel": channel, "rows": [*rows, ("", "", "")], "fields": sorted(TEXTS)}
    return render(request, "leads/channel_custom_fields.html", context)


@role_required(ADMIN, MARKETING)
@post_from("leads:channel_mapping", "slug")
def channel_reread(request: HttpRequest, slug: str) -> HttpResponse:
    """Read accepted submissions again by the mapping as it is saved; first only to see what would change."""
    channel = get_object_or_404(Channel, slug=slug)
    only_look = request.POST.get("go") != "1"
    outcome = reread_channel(channel, dry_run=only_look)
    if only_look:
        context = {"channel": channel, "outcome": outcome, "fields": dict(outcome.fields)}
        return render(request, "leads/channel_reread.html", context)
    messages.success(request, _told(outcome))
    return redirect("leads:channel_log", slug)


def _told(outcome: Outcome) -> str:
    return ngettext(
        "%(count)d submission is corrected, the others say the same as before.",
        "%(count)d submissions are corrected, the others say the same as before.",
        outcome.changed,
    ) % {"count": outcome.changed}
