"""The quarantine: what was held and why, let go or confirmed with a click, and how often holding was wrong."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET, require_http_methods

from leadmgmt.core.errors import DomainError, InvalidInput
from leadmgmt.core.kept_words import reworded
from leadmgmt.core.messages import message_with_undo
from leadmgmt.core.now import now
from leadmgmt.core.permissions import ADMIN, MARKETING, role_required
from leadmgmt.core.web import complain, post_from
from leads.access import person
from leads.models import Capture, Listed, Organisation
from leads.screening import CODES, reason_words
from leads.services.quarantine import FORGOTTEN_AFTER, confirm, hold_again, let_go, list_sender, rates

PAGE = 30
LOOKED_BACK = timedelta(days=90)
MOST_AT_ONCE = 100


@require_GET
@role_required(ADMIN, MARKETING)
def quarantine(request: HttpRequest) -> HttpResponse:
    """What is held, newest first, and the share of false alarms by reason."""
    at = now()
    held = Capture.objects.filter(status=Capture.Status.QUARANTINED)
    counts = dict(held.order_by().values_list("verdict").annotate(n=Count("pk")))
    code = request.GET.get("reason", "")
    wanted = held.filter(verdict=code) if code in counts else held
    page = Paginator(wanted.select_related("channel"), PAGE).get_page(request.GET.get("page"))
    context = {
        "rows": [(one, reason_words(one.verdict)) for one in page.object_list],
        "page": page,
        "reason": code if code in counts else "",
        "reasons": sorted((found, reason_words(found), count) for found, count in counts.items()),
        "total": sum(counts.values()),
        "rates": [(rate, reason_words(rate.code)) for rate in rates(at - LOOKED_BACK)],
        "days": FORGOTTEN_AFTER.days,
        "at": at,
    }
    return render(request, "leads/quarantine.html", context)


@role_required(ADMIN, MARKETING)
@post_from("leads:quarantine")
def quarantine_decide(request: HttpRequest) -> HttpResponse:
    """Let the chosen ones go, or confirm them; `always` and `block` remember the sender."""
    chosen = [request.POST["one"]] if request.POST.get("one") else request.POST.getlist("capture")
    keys = [key for key in chosen[:MOST_AT_ONCE] if _is_key(key)]
    if not keys:
        messages.error(request, _("Choose what to decide on."))
        return redirect("leads:quarantine")
    act = request.GET.get("act") if request.POST.get("one") else request.POST.get("act")
    try:
        if act in ("release", "always"):
            return _release(request, keys, always=act == "always")
        if act in ("spam", "block"):
            return _confirm(request, keys, block=act == "block")
    except DomainError as error:
        messages.error(request, str(error))
    return redirect("leads:quarantine")


def _is_key(text: str) -> bool:
    return len(text) == 36 and text.replace("-", "").isalnum()


def _release(request: HttpRequest, keys: list[str], *, always: bool) -> HttpResponse:
    freed = [let_go(key, by=person(request), always=always) for key in keys]
    good = [one for one in freed if one.status == Capture.Status.ACCEPTED]
    told = ngettext("%(count)d is a lead now.", "%(count)d are leads now.", len(good)) % {"count": len(good)}
    messages.success(request, told)
    for one in freed:
        if one.status != Capture.Status.ACCEPTED:
            messages.warning(request, f"{one.get_status_display()}: {reworded(one.error)}")
    if len(good) == 1 and len(keys) == 1 and request.POST.get("go") == "1":
        return redirect(f"/leads/{good[0].lead_id}/")
    return redirect("leads:quarantine")


def _confirm(request: HttpRequest, keys: list[str], *, block: bool) -> HttpResponse:
    count = confirm(keys, by=person(request), block=block)
    told = ngettext("%(count)d is noted as spam.", "%(count)d are noted as spam.", count) % {"count": count}
    if count == 1:
        message_with_undo(request, told, reverse("leads:quarantine_again", args=[keys[0]]))
    else:
        messages.success(request, told)
    return redirect("leads:quarantine")


@role_required(ADMIN, MARKETING)
@post_from("leads:quarantine")
def quarantine_again(request: HttpRequest, pk: str) -> HttpResponse:
    """Take "it was spam" back."""
    if hold_again(pk):
        messages.success(request, _("It is held again."))
    return redirect("leads:quarantine")


class ListedForm(forms.Form):
    """One entry of the lists."""

    kind = forms.ChoiceField(label=gettext_lazy("What"), choices=Listed.Kind.choices)
    value = forms.CharField(label=gettext_lazy("Value"), max_length=254)
    verdict = forms.ChoiceField(label=gettext_lazy("What follows"), choices=Listed.Verdict.choices)
    note = forms.CharField(label=gettext_lazy("Note"), max_length=200, required=False)


@require_http_methods(["GET", "POST"])
@role_required(ADMIN, MARKETING)
def screening_lists(request: HttpRequest) -> HttpResponse:
    """Who is held and who never is, and which checks are on."""
    form = ListedForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        told: dict[str, Any] = form.cleaned_data
        try:
            list_sender(told["kind"], told["value"], told["verdict"], by=person(request), note=told["note"])
        except InvalidInput as error:
            complain(form, error)
        else:
            messages.success(request, _("Saved."))
            return redirect("leads:screening_lists")
    page = Paginator(Listed.objects.select_related("by"), 100).get_page(request.GET.get("page"))
    organisation = Organisation.objects.first()
    off = _off(organisation)
    checks = [(code, reason_words(code), code not in off) for code in CODES]
    context = {"form": form, "page": page, "checks": checks, "at": now()}
    return render(request, "leads/screening_lists.html", context, status=422 if form.errors else 200)


def _off(organisation: Organisation | None) -> set[str]:
    told = organisation.screening if organisation else {}
    return set(map(str, told.get("off", []))) if isinstance(told, dict) else set()


@role_required(ADMIN, MARKETING)
@post_from("leads:screening_lists")
def screening_checks(request: HttpRequest) -> HttpResponse:
    """Switch checks on and off; those that are ticked are on."""
    organisation = Organisation.objects.first()
    if organisation is None:
        messages.error(request, _("Name the organisation first."))
        return redirect("leads:screening_lists")
    on = set(request.POST.getlist("check"))
    told = organisation.screening if isinstance(organisation.screening, dict) else {}
    organisation.screening = {**told, "off": [code for code in CODES if code not in on]}
    organisation.save(update_fields=["screening"])
    messages.success(request, _("Saved."))
    return redirect("leads:screening_lists")


@role_required(ADMIN, MARKETING)
@post_from("leads:screening_lists")
def listed_remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Take an entry off its list."""
    get_object_or_404(Listed, pk=pk).delete()
    messages.success(request, _("Taken off the list."))
    return redirect("leads:screening_lists")
