"""A person is added: the account with its roles, and, who receives leads, hours and shares from the first minute."""

from datetime import datetime, time
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.models import Group
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from leadmgmt.core.errors import InvalidInput
from leadmgmt.core.now import now
from leadmgmt.core.permissions import ADMIN, AE, MANAGER, MARKETING, SDR, TEAM_LEAD, role_required
from leadmgmt.core.tasks import enqueue
from leadmgmt.core.web import complain
from leads.models import Organisation, Team, User
from routing.models import Pool, Rep
from routing.services.availability import set_hours, set_member

WORKDAYS = range(5)
CLOCK = forms.TimeInput(format="%H:%M", attrs={"type": "time"})
ROLES = (
    (SDR, gettext_lazy("SDR: works a queue")),
    (AE, gettext_lazy("AE: takes opportunities over")),
    (TEAM_LEAD, gettext_lazy("Team lead: plans the team")),
    (MANAGER, gettext_lazy("Manager: reads reports")),
    (MARKETING, gettext_lazy("Marketing: channels, sources, outreach")),
    (ADMIN, gettext_lazy("Admin: sets everything up")),
)


class PersonForm(forms.Form):
    """Who it is, what they do, and when they take leads."""

    email = forms.EmailField(label=gettext_lazy("E-mail"))
    first_name = forms.CharField(label=gettext_lazy("First name"), max_length=60)
    last_name = forms.CharField(label=gettext_lazy("Last name"), max_length=60)
    team = forms.ModelChoiceField(Team.objects.all(), label=gettext_lazy("Team"), required=False)
    roles = forms.MultipleChoiceField(
        label=gettext_lazy("What they do"), choices=ROLES, widget=forms.CheckboxSelectMultiple, initial=[SDR]
    )
    receives = forms.BooleanField(
        label=gettext_lazy("Receives leads, Monday to Friday"), required=False, initial=True,
        help_text=gettext_lazy("Hours, absences and caps are changed on the person's page."),
    )  # fmt: skip
    starts_at = forms.TimeField(label=gettext_lazy("From"), initial=time(9), required=False, widget=CLOCK)
    ends_at = forms.TimeField(label=gettext_lazy("to"), initial=time(17), required=False, widget=CLOCK)
    pool = forms.ModelChoiceField(
        Pool.objects.filter(is_active=True), label=gettext_lazy("Shares the leads of"), required=False
    )

    def clean(self) -> dict[str, Any]:
        """Hours that end after they begin."""
        said: dict[str, Any] = super().clean() or {}
        if said.get("receives"):
            if not said.get("starts_at") or not said.get("ends_at"):
                self.add_error("starts_at", _("Say from when to when."))
            elif said["ends_at"] <= said["starts_at"]:
                self.add_error("ends_at", _("It ends after it begins."))
        return said


def add_person(said: dict[str, Any], at: datetime) -> User:
    """The account, its roles, its hours and its share, in one step, with a link to set a password on its way. Who is
    there already gets what is new. Raises InvalidInput."""
    with transaction.atomic():
        user = User.objects.select_for_update().filter(email__iexact=said["email"]).first()
        if user is not None and not user.is_active:
            told = _("This person was switched off. Switch the account on again first.")
            raise InvalidInput(told, fields={"email": told})
        is_new = user is None
        if user is None:
            zone = Organisation.objects.values_list("time_zone", flat=True).first()
            names = {name: said[name] for name in ("first_name", "last_name", "team")}
            user = User.objects.create_user(said["email"], **names, **({"time_zone": zone} if zone else {}))
        user.groups.add(*(Group.objects.get_or_create(name=role)[0] for role in said["roles"]))
        if ADMIN in said["roles"]:
            user.is_staff = True
            user.save(update_fields=["is_staff"])
        if said["receives"]:
            rep, is_rep = Rep.objects.get_or_create(user=user)
            if is_rep:
                set_hours(rep.pk, [(day, said["starts_at"], said["ends_at"]) for day in WORKDAYS], at)
            if said["pool"]:
                set_member(said["pool"], rep.pk, "1", at)
        if is_new:
            enqueue("leadmgmt.password_reset.send_link", user.pk)
        return user


@require_http_methods(["GET", "POST"])
@role_required(ADMIN)
def person_new(request: HttpRequest) -> HttpResponse:
    """Add somebody; the next one is added on the same page."""
    form = PersonForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            user = add_person(form.cleaned_data, now())
        except InvalidInput as error:
            complain(form, error)
        else:
            words = {"name": user, "email": user.email}
            messages.success(request, _("%(name)s is there; a link to set a password goes to %(email)s.") % words)
            return redirect("person_new" if "more" in request.POST else "routing:rep_list")
    return render(request, "leadmgmt/person_new.html", {"form": form}, status=422 if form.errors else 200)
