"""Who takes leads when: hours, absences, caps, and everybody's own switch."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from leadmgmt.core.errors import InvalidInput
from leadmgmt.core.now import now
from leadmgmt.core.permissions import ADMIN, has_role
from leadmgmt.core.web import back
from routing.access import may_manage, may_plan, person
from routing.forms import AbsenceForm, CapsForm, HoursForm, KindCapForm, SkillsForm, key_of
from routing.hours import known_zone
from routing.models import Rep
from routing.pages.reps import hours_text, kind_cap_lines, rep_lines
from routing.services.absences import preview
from routing.services.availability import (
    add_absence,
    add_kind_cap,
    remove_absence,
    remove_kind_cap,
    set_accepting,
    set_caps,
    set_holidays,
    set_hours,
    set_skills,
)


@login_required
@require_GET
def rep_list(request: HttpRequest) -> HttpResponse:
    """Everybody who receives leads: there or not, how much, when."""
    at = now()
    lines = rep_lines(at)
    context = {
        "at": at,
        "lines": lines,
        "mine": next((line for line in lines if line.rep.user_id == request.user.pk), None),
        "present": sum(line.presence.takes_leads for line in lines),
        "may_add": has_role(request.user, ADMIN),
    }
    return render(request, "routing/reps.html", context)


@login_required
@require_GET
def rep_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One rep's week, absences and caps."""
    return _page(request, _rep(pk))


@login_required
@require_POST
def rep_accepting(request: HttpRequest, pk: int) -> HttpResponse:
    """Switch leads on or off for a rep."""
    rep = _rep(pk)
    _require(may_plan(person(request), rep))
    changed = set_accepting(pk, request.POST.get("accepting") == "on", now())
    text = _("%(rep)s takes leads again.") if changed.is_accepting else _("%(rep)s takes no leads until switched on.")
    messages.success(request, text % {"rep": rep})
    return redirect(back(request))


@login_required
@require_POST
def rep_hours(request: HttpRequest, pk: int) -> HttpResponse:
    """A rep's week."""
    rep = _rep(pk)
    _require(may_manage(person(request), rep))
    form = HoursForm(request.POST)
    if not form.is_valid():
        return _page(request, rep, hours_form=form)
    set_hours(pk, form.hours(), now())
    messages.success(request, _("The hours of %(rep)s are saved.") % {"rep": rep})
    return redirect("routing:rep_detail", pk=pk)


@login_required
@require_POST
def rep_caps(request: HttpRequest, pk: int) -> HttpResponse:
    """How much a rep can take."""
    rep = _rep(pk)
    _require(may_manage(person(request), rep))
    form = CapsForm(request.POST)
    if not form.is_valid():
        return _page(request, rep, caps_form=form)
    data = form.cleaned_data
    set_caps(pk, **data, at=now())
    messages.success(request, _("The caps of %(rep)s are saved.") % {"rep": rep})
    return redirect("routing:rep_detail", pk=pk)


@login_required
@require_POST
def rep_skills(request: HttpRequest, pk: int) -> HttpResponse:
    """What rules may want of a rep, and whose public holidays count."""
    rep = _rep(pk)
    _require(may_manage(person(request), rep))
    form = SkillsForm(request.POST)
    if not form.is_valid():
        return _page(request, rep, skills_form=form)
    try:
        with transaction.atomic():
            set_holidays(pk, form.cleaned_data["holiday_region"].strip().upper(), now())
            set_skills(
                pk,
                languages=form.words("languages"),
                countries=form.words("countries"),
                tags=form.words("tags"),
                at=now(),
            )
    except InvalidInput as error:
        form.add_error("holiday_region", str(error))
        return _page(request, rep, skills_form=form)
    messages.success(request, _("Saved."))
    return redirect("routing:rep_detail", pk=pk)


@login_required
@require_POST
def kind_cap_add(request: HttpRequest, pk: int) -> HttpResponse:
    """At most so many leads of a kind."""
    rep = _rep(pk)
    _require(may_manage(person(request), rep))
    form = KindCapForm(request.POST)
    if not form.is_valid():
        return _page(request, rep, kind_cap_form=form)
    data = form.cleaned_data
    add_kind_cap(pk, name=data["name"], condition=form.condition(), per=data["per"], most=data["most"], at=now())
    messages.success(request, _("The caps of %(rep)s are saved.") % {"rep": rep})
    return redirect("routing:rep_detail", pk=pk)


@login_required
@require_POST
def kind_cap_remove(request: HttpRequest, pk: int, cap_id: int) -> HttpResponse:
    """The cap is gone."""
    rep = _rep(pk)
    _require(may_manage(person(request), rep))
    remove_kind_cap(cap_id, pk, now())
    messages.success(request, _("The caps of %(rep)s are saved.") % {"rep": rep})
    return redirect("routing:rep_detail", pk=pk)


@login_required
@require_GET
def absence_preview(request: HttpRequest, pk: int) -> HttpResponse:
    """What an absence that is being entered would move; nothing while the times are not both there."""
    rep = _rep(pk)
    _require(may_plan(person(request), rep))
    with timezone.override(ZoneInfo(known_zone(rep.user.time_zone))):
        form = AbsenceForm(request.GET, rep=rep)
        form.is_valid()
    data = form.cleaned_data
    found = None
    if data.get("starts_at") and data.get("ends_at") and data["starts_at"] < data["ends_at"]:
        found = preview(rep, data["starts_at"], data["ends_at"], data.get("cover"))
    context = {"preview": found, "hands_over": data.get("hands_over"), "cover": data.get("cover")}
    return render(request, "routing/_absence_preview.html", context)


@login_required
@require_POST
def absence_add(request: HttpRequest, pk: int) -> HttpResponse:
    """Note that a rep is away; times are meant where the rep is."""
    rep = _rep(pk)
    _require(may_plan(person(request), rep))
    with timezone.override(ZoneInfo(known_zone(rep.user.time_zone))):
        form = AbsenceForm(request.POST, rep=rep)
        is_valid = form.is_valid()
    if not is_valid:
        return _page(request, rep, absence_form=form)
    data = form.cleaned_data
    add_absence(
        pk,
        data["starts_at"],
        data["ends_at"],
        reason=data["reason"],
        cover_id=key_of(data["cover"]),
        hands_over=data["hands_over"],
    )
    messages.success(request, _("The absence is noted."))
    return redirect("routing:rep_detail", pk=pk)


@login_required
@require_POST
def absence_remove(request: HttpRequest, pk: int, absence_id: int) -> HttpResponse:
    """The rep is there after all."""
    rep = _rep(pk)
    _require(may_plan(person(request), rep))
    remove_absence(absence_id, pk, now())
    messages.success(request, _("The absence is taken out."))
    return redirect("routing:rep_detail", pk=pk)


def _page(request: HttpRequest, rep: Rep, **forms: Any) -> HttpResponse:
    at, user = now(), person(request)
    caps = {name: getattr(rep, name) for name in CapsForm.base_fields}
    skills = {name: ", ".join(map(str, getattr(rep, name))) for name in ("languages", "countries", "tags")}
    context = {
        "at": at,
        "line": rep_lines(at, only=rep.pk)[0],
        "rep": rep,
        "absences": rep.absences.filter(ends_at__gte=at - timedelta(days=30))
        .select_related("cover__user")
        .order_by("starts_at"),
        "may_manage": may_manage(user, rep),
        "may_plan": may_plan(user, rep),
        "hours_form": HoursForm(initial={f"day_{day}": text for day, text in hours_text(rep).items()}),
        "caps_form": CapsForm(initial=caps),
        "skills_form": SkillsForm(initial=skills | {"holiday_region": rep.holiday_region}),
        "kind_cap_form": KindCapForm(),
        "kind_caps": kind_cap_lines(rep),
        "absence_form": AbsenceForm(initial=_tomorrow(at), rep=rep),
        **forms,
    }
    return render(request, "routing/rep.html", context, status=422 if forms else 200)


def _tomorrow(at: datetime) -> dict[str, str]:
    day = timezone.localtime(at).date() + timedelta(days=1)
    return {"starts_at": f"{day}T00:00", "ends_at": f"{day + timedelta(days=1)}T00:00"}


def _rep(pk: int) -> Rep:
    return get_object_or_404(Rep.objects.select_related("user__team"), pk=pk)


def _require(is_allowed: bool) -> None:
    if not is_allowed:
        raise PermissionDenied
