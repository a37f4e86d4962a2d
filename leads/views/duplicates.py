"""People who may be one: the queue, side by side, merge with a choice per field, and the way back."""

from dataclasses import dataclass

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from leadmgmt.core.errors import DomainError
from leadmgmt.core.messages import message_with_undo
from leadmgmt.core.now import now
from leadmgmt.core.permissions import ADMIN, MARKETING, SDR, TEAM_LEAD, role_required
from leadmgmt.core.web import post_from
from leads.access import person
from leads.models import Contact, Duplicate, Lead, Merge
from leads.services.duplicates import AlreadyDecided, ask_again, decide_different, open_pairs
from leads.services.merge import CHOICES, merge_contacts, undo_merge
from leads.words import field_name, match_reason

ROLES = (SDR, TEAM_LEAD, MARKETING, ADMIN)
PAGE = 30
MOST_MERGES = 10


@dataclass(frozen=True)
class Row:
    """One field of both."""

    name: str
    label: str
    first: str
    second: str

    @property
    def differs(self) -> bool:
        """Whether there is anything to choose."""
        return bool(self.first and self.second) and self.first != self.second


@require_GET
@role_required(*ROLES)
def duplicate_list(request: HttpRequest) -> HttpResponse:
    """What is to be decided, the surest first, and what was merged lately."""
    user, at = person(request), now()
    page = Paginator(open_pairs(user), PAGE).get_page(request.GET.get("page"))
    rows = [(pair, match_reason(pair.reason)) for pair in page.object_list]
    merges = Merge.objects.filter(kept__in=Lead.objects.visible_to(user).values("contact"), undone_at=None)
    context = {
        "rows": rows,
        "page": page,
        "total": page.paginator.count,
        "merges": merges.select_related("kept", "gone", "by")[:MOST_MERGES],
        "at": at,
    }
    return render(request, "leads/duplicate_list.html", context)


def _pair(request: HttpRequest, pk: int) -> Duplicate:
    """A pair that this person may see, decided or not."""
    visible = Lead.objects.visible_to(person(request)).values("contact")
    found = (
        Duplicate.objects.select_related("first__company", "second__company", "decided_by")
        .filter(pk=pk, first__in=visible)
        .first()
    )
    if found is None or not (
        found.state == Duplicate.State.MERGED
        or Lead.objects.visible_to(person(request)).filter(contact=found.second_id).exists()
    ):
        raise Http404
    return found


@require_GET
@role_required(*ROLES)
def duplicate(request: HttpRequest, pk: int) -> HttpResponse:
    """Two people side by side."""
    pair = _pair(request, pk)
    leads = Lead.objects.filter(contact__in=[pair.first_id, pair.second_id]).select_related("owner", "source")
    following = open_pairs(person(request)).exclude(pk=pk).values_list("pk", flat=True).first()
    context = {
        "pair": pair,
        "reason": match_reason(pair.reason),
        "rows": _rows(pair.first, pair.second),
        "sides": [
            ("first", pair.first, [lead for lead in leads if lead.contact_id == pair.first_id]),
            ("second", pair.second, [lead for lead in leads if lead.contact_id == pair.second_id]),
        ],
        "following": following,
        "at": now(),
    }
    return render(request, "leads/duplicate.html", context)


def _rows(first: Contact, second: Contact) -> list[Row]:
    return [
        Row(name, field_name(name), str(getattr(first, name) or ""), str(getattr(second, name) or ""))
        for name in CHOICES
        if getattr(first, name) or getattr(second, name)
    ]


@role_required(*ROLES)
@post_from("leads:duplicate", "pk")
def duplicate_merge(request: HttpRequest, pk: int) -> HttpResponse:
    """Make them one: `keep` names the one that stays, each field whose value counts."""
    pair, user = _pair(request, pk), person(request)
    try:
        if pair.state != Duplicate.State.OPEN:
            raise AlreadyDecided(_("Somebody has decided on these two already."))
        keep = "second" if request.POST.get("keep") == "second" else "first"
        kept, gone = (pair.first_id, pair.second_id) if keep == "first" else (pair.second_id, pair.first_id)
        joined = merge_contacts(kept, gone, _choices(request, keep), by=user)
    except DomainError as error:
        messages.error(request, str(error))
        return redirect("leads:duplicate", pk)
    told = _("%(gone)s and %(kept)s are merged.") % {"gone": joined.merge.gone.name, "kept": joined.merge.kept.name}
    message_with_undo(request, told, reverse("leads:merge_undo", args=[joined.merge.pk]))
    return _next(request, pk)


def _choices(request: HttpRequest, keep: str) -> dict[str, str]:
    """The sides that were chosen, as the one that is kept and the other."""
    chosen = {name: request.POST.get(name) for name in CHOICES}
    return {name: "kept" if side == keep else "gone" for name, side in chosen.items() if side in ("first", "second")}


def _next(request: HttpRequest, pk: int) -> HttpResponse:
    following = open_pairs(person(request)).exclude(pk=pk).values_list("pk", flat=True).first()
    return redirect("leads:duplicate", following) if following else redirect("leads:duplicate_list")


@role_required(*ROLES)
@post_from("leads:duplicate", "pk")
def duplicate_different(request: HttpRequest, pk: int) -> HttpResponse:
    """These are two people."""
    pair = _pair(request, pk)
    try:
        decide_different(pair.pk, by=person(request))
    except DomainError as error:
        messages.error(request, str(error))
        return redirect("leads:duplicate", pk)
    message_with_undo(request, _("Noted as two people."), reverse("leads:duplicate_ask", args=[pk]))
    return _next(request, pk)


@role_required(*ROLES)
@post_from("leads:duplicate", "pk")
def duplicate_ask(request: HttpRequest, pk: int) -> HttpResponse:
    """Take "two people" back."""
    ask_again(_pair(request, pk).pk, by=person(request))
    return redirect("leads:duplicate", pk)


@role_required(*ROLES)
@post_from("leads:duplicate_list")
def merge_undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Part two who were merged."""
    user = person(request)
    visible = Lead.objects.visible_to(user).values("contact")
    merge = Merge.objects.filter(pk=pk, kept__in=visible).first()
    if merge is None:
        raise Http404
    try:
        undo_merge(pk, by=user)
        messages.success(request, _("They are two again, as they were."))
    except DomainError as error:
        messages.error(request, str(error))
    return redirect("leads:duplicate_list")
