"""The built-in board: deals by stage, one deal, and moving it. Only the board changes here; the sync does the rest."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from crmsync import board as server
from crmsync.forms import MoveForm
from crmsync.models import BoardDeal, Link
from crmsync.pages import board as pages
from leadmgmt.core.now import now
from leadmgmt.core.permissions import ADMIN, AE, MANAGER, role_required
from leadmgmt.core.tasks import enqueue
from leadmgmt.core.web import post_from
from leads.models import Lead, User
from qualification.access import person

PULL_RECORD = "crmsync.tasks.pull_record"
READERS = (AE, MANAGER, ADMIN)


@require_GET
@role_required(*READERS)
def board(request: HttpRequest) -> HttpResponse:
    """All deals by stage."""
    found = pages.board_page(
        person(request),
        owner=request.GET.get("owner", ""),
        words=request.GET.get("q", "").replace("\0", "")[:100],
        at=now(),
    )
    return TemplateResponse(request, "crmsync/board.html", {"board": found, "at": now()})


@require_GET
@role_required(*READERS)
def deal_detail(request: HttpRequest, deal_id: UUID) -> HttpResponse:
    """One deal with all that Leadmgmt told about it."""
    deal = get_object_or_404(pages.deals_for(person(request)), pk=deal_id)
    form = _form({"stage": request.GET.get("to") or deal.stage, "amount": deal.amount})
    return _page(request, deal, form)


@role_required(*READERS)
@post_from("crmsync:deal_detail", "deal_id")
def deal_move(request: HttpRequest, deal_id: UUID) -> HttpResponse:
    """Put a deal into another stage. What a win or a loss needs and is not said yet is asked for."""
    user = person(request)
    deal = get_object_or_404(pages.deals_for(user), pk=deal_id)
    connection = pages.local_connection()
    form = MoveForm(request.POST, stages=pages.stage_choices(connection), reasons=pages.reason_choices(connection))
    if not form.is_valid():
        return _page(request, deal, form, status=422)
    said = form.cleaned_data
    try:
        with transaction.atomic():
            moved = server.move_deal(
                str(deal.pk),
                stage=said["stage"],
                by=user.email,
                amount=said["amount"],
                lost_reason=said["lost_reason"] if form.meanings[said["stage"]] == "lost" else "",
                if_version=_version(request),
                note=said["note"],
            )
            if connection is not None:
                # The board's way of calling: a hint which record to look at, never what it says.
                enqueue(PULL_RECORD, connection.pk, str(moved.pk))
    except server.BoardConflict as error:
        sentence = _("Somebody moved this deal to %(stage)s meanwhile. Nothing was changed; look again.")
        form.add_error(None, sentence % {"stage": error.current.stage})
        deal.refresh_from_db()
        return _page(request, deal, form, status=409)
    messages.success(
        request, _("%(deal)s is in %(stage)s.") % {"deal": moved.company or moved.name, "stage": moved.stage}
    )
    return HttpResponseRedirect(reverse("crmsync:board"))


def _version(request: HttpRequest) -> int | None:
    text = request.POST.get("version", "")
    return int(text) if text.isdigit() and len(text) < 10 else None


def _form(initial: dict[str, Any]) -> MoveForm:
    connection = pages.local_connection()
    return MoveForm(initial=initial, stages=pages.stage_choices(connection), reasons=pages.reason_choices(connection))


def _page(request: HttpRequest, deal: BoardDeal, form: MoveForm, *, status: int = 200) -> HttpResponse:
    connection = pages.local_connection()
    link = Link.objects.filter(connection=connection, remote_id=str(deal.pk)).select_related("opportunity").first()
    lead = link.opportunity.lead_id if link else None
    context = {
        "deal": deal,
        "form": form,
        "sync": pages.sync_states(connection, [deal])[str(deal.pk)] if connection else "alone",
        "lead": Lead.objects.visible_to(person(request)).filter(pk=lead).first() if lead else None,
        "owner": User.objects.filter(email__iexact=deal.owner_email).first(),
        "notes": deal.notes.all()[:50],
        "at": now(),
    }
    return TemplateResponse(request, "crmsync/deal.html", context, status=status)
