"""What is promised to leads: read by everybody, written by admins."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from leadmgmt.core.errors import InvalidInput
from leadmgmt.core.now import now
from leadmgmt.core.permissions import role_required
from leadmgmt.core.web import complain
from routing.access import PUBLISHERS, may_publish, person
from routing.models import SlaPolicy
from routing.pages.promises import policy_lines
from routing.services.policies import FIELDS, MOST_MINUTES, delete_policy, save_policy


def _minutes(label: Any, help_text: Any = "", *, required: bool = False, least: int = 1) -> forms.IntegerField:
    return forms.IntegerField(
        label=label, help_text=help_text, min_value=least, max_value=MOST_MINUTES, required=required
    )


class PolicyForm(forms.Form):
    """A promise."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=120)
    first_touch_minutes = _minutes(gettext_lazy("First touch within minutes"), required=True)
    in_working_time = forms.BooleanField(
        label=gettext_lazy("Only working time counts"),
        required=False,
        help_text=gettext_lazy("The team's until somebody has the lead, its owner's after."),
    )
    acknowledge_minutes = _minutes(
        gettext_lazy("Acknowledged within minutes"), gettext_lazy("Of being given. Else owner and team lead are told.")
    )
    escalate_minutes = _minutes(
        gettext_lazy("Tell the team lead, minutes before it runs out"),
        gettext_lazy("While something can still be done."),
    )
    reassign_minutes = _minutes(
        gettext_lazy("Give to somebody else, minutes after it ran out"),
        gettext_lazy("Only while the lead is untouched, to somebody who works then, twice at most."),
        least=0,
    )
    attempts = forms.IntegerField(
        label=gettext_lazy("Attempts"),
        min_value=1,
        max_value=50,
        required=False,
        help_text=gettext_lazy("Calls and e-mails, unless the person is reached before."),
    )
    attempt_days = forms.IntegerField(
        label=gettext_lazy("within days"),
        min_value=1,
        max_value=120,
        required=False,
        help_text=gettext_lazy("Days of work where only working time counts."),
    )
    is_default = forms.BooleanField(
        label=gettext_lazy("The default one"),
        required=False,
        help_text=gettext_lazy("For leads whose rule names no other."),
    )


@login_required
@require_GET
def promise_list(request: HttpRequest) -> HttpResponse:
    """All promises, with how they were kept."""
    user = person(request)
    context = {"lines": policy_lines(user, now()), "may_edit": may_publish(user)}
    return render(request, "routing/promises.html", context)


@require_http_methods(["GET", "POST"])
@role_required(*PUBLISHERS)
def promise_new(request: HttpRequest) -> HttpResponse:
    """Write a promise."""
    return _save(request, None)


@require_http_methods(["GET", "POST"])
@role_required(*PUBLISHERS)
def promise(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a promise."""
    return _save(request, get_object_or_404(SlaPolicy, pk=pk))


def _save(request: HttpRequest, policy: SlaPolicy | None) -> HttpResponse:
    initial = {name: getattr(policy, name) for name in (*FIELDS, "is_default")} if policy else {"in_working_time": True}
    form = PolicyForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            saved = save_policy(
                policy.pk if policy else None, form.cleaned_data, is_default=form.cleaned_data["is_default"]
            )
        except InvalidInput as error:
            complain(form, error)
        else:
            messages.success(request, _("“%(name)s” is saved; it holds for leads from now on.") % {"name": saved.name})
            return redirect("routing:promise_list")
    context = {"form": form, "policy": policy}
    return render(request, "routing/promise.html", context, status=422 if form.errors else 200)


@require_POST
@role_required(*PUBLISHERS)
def promise_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a promise away."""
    get_object_or_404(SlaPolicy, pk=pk)
    delete_policy(pk)
    messages.success(request, _("The promise is gone."))
    return redirect("routing:promise_list")
