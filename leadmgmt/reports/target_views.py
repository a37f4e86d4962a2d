"""The page where targets are set: teams down, measures across."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import messages
from django.forms import BoundField
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from leadmgmt.core.permissions import ADMIN, MANAGER, role_required
from leadmgmt.reports.targets import SHARES, save_targets
from leads.models import Target, Team

EVERYBODY = "all"
MOST = 10**9


class TargetForm(forms.Form):
    """A field per team and measure; empty where there is no target."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = {(row.team_id, row.measure): row.value for row in Target.objects.all()}
        self.teams: list[Team | None] = [None, *Team.objects.order_by("name")]
        for team in self.teams:
            for measure, label in Target.Measure.choices:
                self.fields[_name(team, measure)] = forms.DecimalField(
                    label=f"{team or _('All teams')}: {label}",
                    required=False,
                    min_value=0,
                    max_value=100 if measure in SHARES else MOST,
                    decimal_places=2,
                    localize=True,
                    initial=_plain(known.get((team.pk if team else None, measure))),
                    widget=forms.TextInput(attrs={"class": "input input--small number", "inputmode": "decimal"}),
                )

    def rows(self) -> Iterator[tuple[Team | None, list[BoundField]]]:
        """A line per team."""
        for team in self.teams:
            yield team, [self[_name(team, measure)] for measure in Target.Measure.values]

    def wanted(self) -> dict[tuple[int | None, str], Decimal | None]:
        """What is wanted of whom."""
        return {
            (team.pk if team else None, measure): self.cleaned_data[_name(team, measure)]
            for team in self.teams
            for measure in Target.Measure.values
        }


def _name(team: Team | None, measure: str) -> str:
    return f"{team.pk if team else EVERYBODY}-{measure}"


def _plain(value: Decimal | None) -> Decimal | None:
    """Without zeros that say nothing."""
    return None if value is None else value.quantize(Decimal(1)) if value == value.to_integral() else value.normalize()


@require_http_methods(["GET", "POST"])
@role_required(MANAGER, ADMIN)
def targets_page(request: HttpRequest) -> HttpResponse:
    """What each team shall reach in a month."""
    form = TargetForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        count = save_targets(form.wanted())
        told = ngettext("%(count)d target is another now.", "%(count)d targets are others now.", count)
        messages.success(request, told % {"count": count} if count else _("Nothing was changed."))
        return redirect("reports:targets")
    context = {"form": form, "measures": [label for _value, label in Target.Measure.choices]}
    return render(request, "reports/targets.html", context, status=422 if form.errors else 200)
