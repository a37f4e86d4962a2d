"""Pools: shares, balances and the ledger; the waiting room."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from leadmgmt.core.errors import InvalidInput
from leadmgmt.core.now import now
from leadmgmt.core.permissions import ADMIN, role_required
from leadmgmt.core.web import back, complain
from leads.models import Lead, Team, User
from routing.access import may_edit_pool, person
from routing.models import CreditClaim, Pool, Rep, WaitingLead
from routing.notices import lead_url
from routing.pages.pools import DAYS, claim_lines, ledger_sum, member_lines, movements, picked_out_of_turn, queue_lines
from routing.pages.waiting import waiting_lines
from routing.services.assign import may_assign
from routing.services.availability import add_pool, remove_member, set_member, set_strategy
from routing.services.claims import take_next
from routing.services.credit import decide_credit
from routing.services.waiting import retry_lead
from routing.services.what_if import one_more


class PoolForm(forms.Form):
    """What a pool is called, and who shares its leads."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=120)
    team = forms.ModelChoiceField(Team.objects.all(), label=gettext_lazy("Team"), required=False)
    reps = forms.ModelMultipleChoiceField(
        Rep.objects.filter(user__is_active=True).select_related("user").order_by("user__first_name", "user__last_name"),
        label=gettext_lazy("Who shares its leads"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )


@require_http_methods(["GET", "POST"])
@role_required(ADMIN)
def pool_new(request: HttpRequest) -> HttpResponse:
    """A pool whose reps share alike; shares, ramps and the strategy are set on its page."""
    form = PoolForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        try:
            pool = add_pool(said["name"], said["team"], [rep.pk for rep in said["reps"]], now())
        except InvalidInput as error:
            complain(form, error)
        else:
            messages.success(request, _("The pool %(name)s is there.") % {"name": pool})
            return redirect("routing:pool_detail", pool.slug)
    return render(request, "routing/pool_new.html", {"form": form}, status=422 if form.errors else 200)


@login_required
@require_GET
def pool_detail(request: HttpRequest, slug: str) -> HttpResponse:
    """Who shares the pool's leads, what each is owed, and every movement that led there."""
    user, at = person(request), now()
    pool = get_object_or_404(Pool.objects.select_related("team"), slug=slug)
    members = member_lines(pool, at)
    known = [line.member.rep_id for line in members]
    reps = Rep.objects.filter(user__is_active=True).exclude(pk__in=known).select_related("user")
    context = {
        "at": at,
        "pool": pool,
        "members": members,
        "present": sum(line.presence.takes_leads for line in members),
        "movements": movements(pool, user),
        "ledger_sum": ledger_sum(pool),
        "waiting": WaitingLead.objects.filter(pool=pool, left_at__isnull=True).count(),
        "days": DAYS,
        "strategies": Pool.Strategy.choices,
        "is_claimed": pool.strategy == Pool.Strategy.CLAIM,
        "may_take": pool.strategy == Pool.Strategy.CLAIM and any(one.member.rep.user_id == user.pk for one in members),
        "queue": queue_lines(pool, user) if pool.strategy == Pool.Strategy.CLAIM else [],
        "picked": picked_out_of_turn(pool, at),
        "claims": claim_lines(pool, user),
        "may_decide": may_assign(user),
        **_what_if(request, pool),
        "may_edit": may_edit_pool(user, pool),
        "others": reps.order_by("user__first_name", "user__last_name"),
    }
    return render(request, "routing/pool.html", context)


def _what_if(request: HttpRequest, pool: Pool) -> dict[str, Any]:
    """What one more person would have changed, where somebody asks."""
    start, end = request.GET.get("from", ""), request.GET.get("to", "")
    told = {"if_from": start or "17:00", "if_to": end or "19:00"}
    if not start:
        return told
    try:
        return told | {"what_if": one_more(pool, start, end, now())}
    except InvalidInput as error:
        return told | {"if_wrong": str(error)}


@login_required
@require_POST
def member_set(request: HttpRequest, slug: str) -> HttpResponse:
    """Take a rep into the pool, or change the share."""
    pool = _editable(person(request), slug)
    rep = get_object_or_404(Rep, pk=_number(request.POST.get("rep")))
    ramp = _number(request.POST.get("ramp_days"))
    member = set_member(pool, rep.pk, request.POST.get("weight", "1"), now(), ramp_days=min(ramp, 365) or None)
    words = {"rep": rep, "weight": f"{member.weight:f}", "pool": pool}
    messages.success(request, _("%(rep)s takes part in %(pool)s with the share %(weight)s.") % words)
    return redirect("routing:pool_detail", slug=pool.slug)


@login_required
@require_POST
def pool_strategy(request: HttpRequest, slug: str) -> HttpResponse:
    """How the pool shares out."""
    pool = _editable(person(request), slug)
    set_strategy(pool, request.POST.get("strategy", ""), now())
    messages.success(request, _("%(pool)s shares out anew from now on.") % {"pool": pool})
    return redirect("routing:pool_detail", slug=pool.slug)


@login_required
@require_POST
def pool_next(request: HttpRequest, slug: str) -> HttpResponse:
    """Take the next lead of a team's queue."""
    pool = get_object_or_404(Pool, slug=slug)
    lead = take_next(pool.pk, by=person(request))
    messages.success(request, _("%(name)s is yours.") % {"name": lead.contact.name})
    return redirect(lead_url(lead.pk))


@login_required
@require_POST
def claim_decide(request: HttpRequest, pk: int) -> HttpResponse:
    """Grant or refuse that a turn is given back."""
    claim = get_object_or_404(CreditClaim, pk=pk)
    grant = request.POST.get("decide") == "grant"
    decided = decide_credit(claim.pk, by=person(request), grant=grant, answer=request.POST.get("answer", ""))
    text = _("%(rep)s gets the turn back.") if grant else _("%(rep)s keeps the turn as taken.")
    messages.success(request, text % {"rep": decided.rep})
    return redirect(back(request, reverse("routing:pool_detail", args=[claim.pool.slug])))


@login_required
@require_POST
def member_remove(request: HttpRequest, slug: str) -> HttpResponse:
    """A rep leaves the pool."""
    pool = _editable(person(request), slug)
    rep = get_object_or_404(Rep, pk=_number(request.POST.get("rep")))
    remove_member(pool, rep.pk, now())
    messages.success(request, _("%(rep)s is out of %(pool)s.") % {"rep": rep, "pool": pool})
    return redirect("routing:pool_detail", slug=pool.slug)


@login_required
@require_GET
def waiting_list(request: HttpRequest) -> HttpResponse:
    """Leads that nobody could take yet."""
    user = person(request)
    context = {"at": now(), "lines": waiting_lines(user), "may_assign": may_assign(user), "people": _people(user)}
    return render(request, "routing/waiting.html", context)


@login_required
@require_POST
def waiting_retry(request: HttpRequest, lead_id: int) -> HttpResponse:
    """Try again to give one waiting lead away, at once."""
    lead = get_object_or_404(Lead.objects.visible_to(person(request)), pk=lead_id)
    if retry_lead(lead.pk, now()):
        owner = Lead.objects.select_related("owner").get(pk=lead.pk).owner
        messages.success(request, _("Given to %(owner)s.") % {"owner": owner} if owner else _("It waits no more."))
    else:
        messages.warning(request, _("Still nobody can take it."))
    return redirect("routing:waiting_list")


def _people(user: User) -> list[Rep]:
    """Whom this person may give a lead to."""
    if not may_assign(user):
        return []
    return list(Rep.objects.filter(user__is_active=True).select_related("user").order_by("user__first_name", "pk"))


def _editable(user: User, slug: str) -> Pool:
    pool = get_object_or_404(Pool, slug=slug)
    if not may_edit_pool(user, pool):
        raise PermissionDenied
    return pool


def _number(text: str | None) -> int:
    return int(text) if text and text.isdigit() and len(text) < 19 else 0
