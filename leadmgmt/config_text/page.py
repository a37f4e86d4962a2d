"""The page: take the text along, try another one, put it in place."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from leadmgmt.config_text.text import LONGEST, Plan, put, write
from leadmgmt.core.now import now
from leadmgmt.core.permissions import ADMIN, role_required
from routing.access import person


class TextForm(forms.Form):
    """A text, pasted or as a file."""

    file = forms.FileField(label=gettext_lazy("File"), required=False)
    text = forms.CharField(
        label=gettext_lazy("Or the text itself"),
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false"}),
    )
    removes = forms.BooleanField(
        label=gettext_lazy("Take away what its parts do not name"),
        required=False,
        help_text=gettext_lazy("What is in use stays, and is said."),
    )

    def clean(self) -> dict[str, Any]:
        """One of both."""
        said: dict[str, Any] = super().clean() or {}
        file = said.get("file")
        if file is not None and file.size > LONGEST:
            self.add_error("file", _("The text is too long."))
        elif file is not None:
            try:
                said["text"] = file.read().decode()
            except UnicodeDecodeError:
                self.add_error("file", _("This is no text in UTF-8."))
        if not said.get("text") and not self.errors:
            self.add_error("text", _("Choose a file, or paste the text."))
        return said


@require_http_methods(["GET", "POST"])
@role_required(ADMIN)
def configuration_text(request: HttpRequest) -> HttpResponse:
    """What a text would change, field by field, before it is put in place; in place it is put as one."""
    form = TextForm(request.POST, request.FILES) if request.method == "POST" else TextForm()
    plan: Plan | None = None
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        is_trial = request.POST.get("act") != "put"
        plan = put(said["text"], person(request), now(), is_trial=is_trial, removes=said["removes"])
        if plan.is_in_place:
            messages.success(request, _("The configuration is as the text says."))
            return redirect("changes")
    status = 422 if form.errors or (plan and plan.wrong) else 200
    text = form.cleaned_data.get("text", "") if form.is_bound and form.is_valid() else ""
    context = {"form": form, "plan": plan, "text": text, "at": now()}
    return render(request, "leadmgmt/configuration_text.html", context, status=status)


@require_GET
@role_required(ADMIN)
def configuration_download(request: HttpRequest) -> HttpResponse:
    """The configuration as it is, without secrets."""
    response = HttpResponse(write(), content_type="application/json; charset=utf-8")
    name = f"leadmgmt-configuration-{localdate().isoformat()}.json"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
