"""What a person does about who has a lead, and the panel that other pages show."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from leadmgmt.core.now import now
from leadmgmt.core.web import back
from leads.models import Lead, User
from routing.access import person
from routing.models import Assignment, CreditClaim, LedgerEntry, SlaClock, WaitingLead
from routing.notices import lead_url
from routing.pages.certificate import verdict
from routing.pages.timing import timing_of
from routing.services.accept import accept_lead
from routing.services.assign import assign_lead, claim_lead, hand_back
from routing.services.credit import ask_credit


@login_required
@require_GET
def lead_panel(request: HttpRequest, lead_id: int) -> HttpResponse:
    """A fragment: the promise, the owner and why, the way from capture to notice."""
    user = person(request)
    lead = get_object_or_404(Lead.objects.visible_to(user).with_people(), pk=lead_id)
    assignment = Assignment.objects.filter(lead=lead, ends_at__isnull=True).select_related("user", "assigned_by")
    wait = WaitingLead.objects.filter(lead=lead, left_at__isnull=True).select_related("keeper").first()
    certificate = lead.certificates.select_related("pool", "rule_set").first()
    context = {
        "at": now(),
        "lead": lead,
        "clock": SlaClock.objects.filter(lead=lead).select_related("policy").order_by("-started_at", "-pk").first(),
        "assignment": assignment.first(),
        "wait": wait,
        "wait_reason": _(wait.reason) if wait else "",
        "certificate": certificate,
        "verdict": verdict(certificate) if certificate else "",
        "timing": timing_of(lead),
        "credit": CreditClaim.objects.filter(lead=lead, rep__user=user).first(),
        "may_credit": LedgerEntry.objects.filter(lead=lead, rep__user=user, kind=LedgerEntry.Kind.ASSIGNMENT).exists(),
        "whys": CreditClaim.Why.choices,
        "is_mine": lead.owner_id == user.pk,
        "may_claim": lead.owner_id is None and lead.is_working and hasattr(user, "rep"),
    }
    return render(request, "routing/_lead_panel.html", context)


@login_required
@require_POST
def lead_claim(request: HttpRequest, lead_id: int) -> HttpResponse:
    """Take a lead that is nobody's."""
    user = person(request)
    lead = _visible(user, lead_id)
    claim_lead(lead.pk, by=user)
    messages.success(request, _("%(name)s is yours.") % {"name": lead.contact.name})
    return redirect(lead_url(lead.pk))


@login_required
@require_POST
def lead_assign(request: HttpRequest, lead_id: int) -> HttpResponse:
    """Give a lead to somebody."""
    lead = _visible(person(request), lead_id)
    chosen = request.POST.get("user", "")
    taker = get_object_or_404(User, pk=int(chosen) if chosen.isdigit() and len(chosen) < 19 else 0, is_active=True)
    assign_lead(lead.pk, taker, by=person(request), reason=request.POST.get("reason", ""))
    messages.success(request, _("%(name)s: with %(taker)s now.") % {"name": lead.contact.name, "taker": taker})
    return redirect(back(request, lead_url(lead.pk)))


@login_required
@require_POST
def lead_accept(request: HttpRequest, lead_id: int) -> HttpResponse:
    """The owner has seen the lead."""
    lead = _visible(person(request), lead_id)
    accept_lead(lead.pk, person(request), now())
    return redirect(back(request, lead_url(lead.pk)))


@login_required
@require_POST
def lead_credit(request: HttpRequest, lead_id: int) -> HttpResponse:
    """Say that this lead was none, and ask for the turn back."""
    lead = _visible(person(request), lead_id)
    ask_credit(lead.pk, by=person(request), why=request.POST.get("why", ""), note=request.POST.get("note", ""))
    messages.success(request, _("Somebody who leads a team decides on it."))
    return redirect(lead_url(lead.pk))


@login_required
@require_POST
def lead_hand_back(request: HttpRequest, lead_id: int) -> HttpResponse:
    """The owner gives the lead up; the rules find somebody else."""
    lead = _visible(person(request), lead_id)
    given = hand_back(lead.pk, by=person(request), reason=request.POST.get("reason", ""))
    words = {"name": lead.contact.name, "owner": given.owner}
    text = _("%(name)s went to %(owner)s.") if given.owner else _("%(name)s waits for somebody.")
    messages.success(request, text % words)
    return redirect(back(request))


def _visible(user: User, lead_id: int) -> Lead:
    return get_object_or_404(Lead.objects.visible_to(user).select_related("contact"), pk=lead_id)
