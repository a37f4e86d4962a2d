"""How handoffs go: who gets them, how long they have, and what a second person of a company becomes."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from crmsync.models import HandoffRule
from crmsync.services.handoff_rules import add_rule, move_rule, save_settings
from leadmgmt.core.errors import InvalidInput
from leadmgmt.core.permissions import ADMIN, AE, role_required
from leadmgmt.core.web import complain
from leads.models import Organisation, User
from leads.models.organisation import Joining
from qualification.models import Segment


class SettingsForm(forms.Form):
    """What holds for all handoffs."""

    joins_deals = forms.ChoiceField(label=gettext_lazy("If the company has an open deal already"), choices=Joining)
    decide_hours = forms.IntegerField(label=gettext_lazy("AEs decide within (working hours)"))


class RuleForm(forms.Form):
    """One rule to be added."""

    segment = forms.ModelChoiceField(Segment.objects.all(), label=gettext_lazy("Leads of the segment"), required=False)
    people = forms.ModelMultipleChoiceField(
        User.objects.filter(is_active=True, groups__name=AE),
        label=gettext_lazy("go to"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )


@role_required(ADMIN)
def handoff_setup(request: HttpRequest) -> HttpResponse:
    """Settings and rules."""
    if request.method != "POST":
        return _page(request)
    if request.POST.get("do") == "add":
        return _add(request)
    form = SettingsForm(request.POST)
    if form.is_valid():
        try:
            save_settings(form.cleaned_data["joins_deals"], form.cleaned_data["decide_hours"])
        except InvalidInput as error:
            complain(form, error)
        else:
            messages.success(request, _("Saved."))
            return redirect("crmsync:handoff_setup")
    return _page(request, settings=form, status=422)


def _add(request: HttpRequest) -> HttpResponse:
    form = RuleForm(request.POST)
    if form.is_valid():
        segment = form.cleaned_data["segment"]
        try:
            add_rule(segment.pk if segment else None, [one.pk for one in form.cleaned_data["people"]])
        except InvalidInput as error:
            complain(form, error)
        else:
            messages.success(request, _("The rule is added."))
            return redirect("crmsync:handoff_setup")
    return _page(request, rule=form, status=422)


@role_required(ADMIN)
@require_POST
def handoff_rule(request: HttpRequest, pk: int) -> HttpResponse:
    """Move a rule, or take it away."""
    rule = get_object_or_404(HandoffRule, pk=pk)
    do = request.POST.get("do")
    if do == "delete":
        rule.delete()
        messages.success(request, _("The rule is gone."))
    elif do in ("up", "down"):
        move_rule(rule.pk, -1 if do == "up" else 1)
    return redirect("crmsync:handoff_setup")


def _page(
    request: HttpRequest, *, settings: SettingsForm | None = None, rule: RuleForm | None = None, status: int = 200
) -> HttpResponse:
    organisation = Organisation.objects.first()
    stand = {"joins_deals": Joining.ASK.value, "decide_hours": 4}
    if organisation is not None:
        stand = {"joins_deals": organisation.joins_deals, "decide_hours": organisation.decide_hours}
    context = {
        "settings": settings or SettingsForm(initial=stand),
        "form": rule or RuleForm(),
        "rules": HandoffRule.objects.select_related("segment").prefetch_related("people"),
        "has_segments": Segment.objects.exists(),
    }
    return render(request, "crmsync/handoff_setup.html", context, status=status)
