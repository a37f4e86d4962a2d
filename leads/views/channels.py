"""Setting up the ways in: what there is, how each is doing, its address, settings, key and test."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from leadmgmt.core.errors import DomainError
from leadmgmt.core.now import now
from leadmgmt.core.permissions import ADMIN, MARKETING, role_required
from leadmgmt.core.web import post_from
from leads.channel_forms import ChannelForm, NewChannelForm
from leads.channels import HOOKS
from leads.channels.catalogue import Entry, entries, entry, snippets
from leads.models import ApiKey, Capture, Channel, ChannelError
from leads.services.channel_health import DAY, Health, healths
from leads.services.channel_trial import Trial, try_channel
from leads.services.channels import create_api_key, create_channel, switch_channel

NEWEST = 8
MOST_ERRORS = 5


@dataclass(frozen=True)
class Row:
    """One line of the list."""

    channel: Channel
    entry: Entry
    health: Health


@require_GET
@role_required(ADMIN, MARKETING)
def channel_list(request: HttpRequest) -> HttpResponse:
    """All ways in with their health, the ones with an alarm first."""
    at = now()
    channels = list(Channel.objects.select_related("source"))
    found = healths(channels, at)
    rows = [Row(one, entry(one.kind), found[one.pk]) for one in channels]
    rows.sort(key=lambda row: (row.health.silence is None, not row.channel.is_active))
    silent = sum(row.health.silence is not None for row in rows)
    return render(request, "leads/channel_list.html", {"rows": rows, "silent": silent, "at": at})


@require_http_methods(["GET", "POST"])
@role_required(ADMIN, MARKETING)
def channel_new(request: HttpRequest) -> HttpResponse:
    """First the kind, then its name."""
    kinds = {one.kind: one for one in entries()}
    chosen = kinds.get(request.GET.get("kind", ""))
    form = NewChannelForm(request.POST if request.method == "POST" and chosen else None)
    if chosen and request.method == "POST" and form.is_valid():
        channel = create_channel(chosen.kind, form.cleaned_data["name"], form.cleaned_data["slug"])
        messages.success(request, _("The channel is there. Set it up and try it."))
        return redirect("leads:channel", channel.slug)
    context = {"kinds": kinds.values(), "chosen": chosen, "form": form}
    return render(request, "leads/channel_new.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@role_required(ADMIN, MARKETING)
def channel(request: HttpRequest, slug: str) -> HttpResponse:
    """One channel; what is sent are its settings."""
    found = get_object_or_404(Channel.objects.select_related("source"), slug=slug)
    form = ChannelForm(request.POST if request.method == "POST" else None, instance=found)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("Saved."))
        return redirect("leads:channel", slug)
    return _page(request, found, form)


def _page(
    request: HttpRequest,
    found: Channel,
    form: ChannelForm | None = None,
    *,
    trial: Trial | None = None,
    new_key: str = "",
) -> HttpResponse:
    at = now()
    form = form or ChannelForm(instance=found)
    address = door_of(request, found)
    context: dict[str, Any] = {
        "channel": found,
        "entry": entry(found.kind),
        "form": form,
        "health": healths([found], at)[found.pk],
        "address": address,
        "snippets": snippets(found, address),
        "newest": Capture.objects.filter(channel=found).select_related("lead__contact")[:NEWEST],
        "errors": ChannelError.objects.filter(channel=found, last_at__gte=at - 7 * DAY)[:MOST_ERRORS],
        "keys": ApiKey.objects.filter(channel=found, revoked_at__isnull=True) if found.kind == "api" else [],
        "new_key": new_key,
        "trial": trial,
        "may_test": found.kind == Channel.Kind.API or found.kind in HOOKS,
        "tools": _tools(found),
        "at": at,
    }
    return render(request, "leads/channel.html", context, status=422 if form.errors else 200)


def door_of(request: HttpRequest, found: Channel) -> str:
    """The public address that submissions of a channel go to; empty where there is none."""
    if found.kind in HOOKS:
        return request.build_absolute_uri(reverse("api:hook", args=[found.slug]))
    if found.kind == Channel.Kind.API:
        return request.build_absolute_uri(reverse("api:capture"))
    if found.kind == Channel.Kind.FORM:
        return request.build_absolute_uri(reverse("leads:hosted_form", args=[found.slug]))
    return ""


def _tools(found: Channel) -> list[tuple[str, str, str]]:
    """Pages of their own that a kind has: address, label, icon."""
    wanted = {
        Channel.Kind.FORM: [("leads:form_builder", _("Edit the form"), "note")],
        Channel.Kind.WEBHOOK: [("leads:channel_mapping", _("Mapping"), "route")],
        Channel.Kind.SALESFORCE: [("leads:channel_mapping", _("Mapping"), "route")],
    }
    tools = []
    for name, label, icon in wanted.get(Channel.Kind(found.kind), []):
        try:
            tools.append((reverse(name, args=[found.slug]), label, icon))
        except NoReverseMatch:
            continue
    return tools


@role_required(ADMIN, MARKETING)
@post_from("leads:channel", "slug")
def channel_switch(request: HttpRequest, slug: str) -> HttpResponse:
    """Switch a channel on or off."""
    found = get_object_or_404(Channel, slug=slug)
    switch_channel(found, on=request.POST.get("on") == "1")
    told = _("%(name)s is open.") if found.is_active else _("%(name)s is switched off: what arrives is turned away.")
    messages.success(request, told % {"name": found.name})
    return redirect("leads:channel", slug)


@role_required(ADMIN, MARKETING)
@post_from("leads:channel", "slug")
def channel_test(request: HttpRequest, slug: str) -> HttpResponse:
    """Send a test through the channel's own door and show how far it came. It becomes no lead."""
    found = get_object_or_404(Channel.objects.select_related("source"), slug=slug)
    return _page(request, found, trial=try_channel(found, door_of(request, found)))


@role_required(ADMIN)
@post_from("leads:channel", "slug")
def channel_key(request: HttpRequest, slug: str) -> HttpResponse:
    """Make a key for a channel of kind API, and show it this once."""
    found = get_object_or_404(Channel.objects.select_related("source"), slug=slug, kind=Channel.Kind.API)
    name = request.POST.get("name", "").strip()[:120] or found.name
    try:
        _key, token = create_api_key(name, channel=found)
    except DomainError as error:
        messages.error(request, str(error))
        return redirect("leads:channel", slug)
    return _page(request, found, new_key=token)
