"""Every component once, in both themes, with the product's own tags."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django import forms
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from leadmgmt.core.messages import Toast
from leadmgmt.core.now import now
from leadmgmt.templatetags.ui import STAGES

ICONS = (
    "queue people person handoff board route funnel chart settings search phone mail note calendar clock alert check "
    "cross plus down right left arrow-up arrow-down arrow-right filter snooze bell link shield merge company globe "
    "theme more pause replay grip eye download upload sync dice quote inbox flag lock copy exit keyboard"
).split()


@dataclass(frozen=True)
class SampleClock:
    """A promise to look at."""

    started_at: datetime
    due_at: datetime
    touched_at: datetime | None = None
    stopped_at: datetime | None = None


class SampleForm(forms.Form):
    """Each kind of field, one of them wrong."""

    company = forms.CharField(help_text="As in the register")
    email = forms.EmailField(label="E-mail")
    share = forms.ChoiceField(choices=[("owed", "What each is owed"), ("turn", "In turn")])
    note = forms.CharField(widget=forms.Textarea(attrs={"rows": 2}), required=False)
    way = forms.ChoiceField(choices=[("call", "Call"), ("mail", "E-mail")], widget=forms.RadioSelect, initial="call")
    pause = forms.BooleanField(label="Pause outside the owner’s hours", required=False)


@login_required
@require_GET
def styleguide(request: HttpRequest) -> HttpResponse:
    """The page that shows what the others are made of."""
    at = now()
    context = {
        "at": at,
        "themes": [("light", "Light"), ("dark", "Dark")],
        "stages": STAGES,
        "icons": ICONS,
        "clocks": _clocks(at),
        "samples": {theme: _form(theme) for theme in ("light", "dark")},
        "later": at + timedelta(days=9),
        "earlier": at - timedelta(minutes=11),
        "toasts": [
            Toast("Snoozed to Monday.", "good", reverse("profile_theme")),
            Toast("Rule 8 can never be reached.", "bad"),
        ],
        "page": Paginator(range(90), 10).page(2),
        "rising": [3, 4, 4, 5, 4, 6, 7, 6, 8],
        "falling": [8, 7, 7, 6, 6, 5, 6, 4, 4],
    }
    return render(request, "leadmgmt/styleguide.html", context)


def _clocks(at: datetime) -> list[SampleClock]:
    came = at - timedelta(minutes=20)
    running = [SampleClock(came, at + timedelta(seconds=seconds)) for seconds in (34 * 60, 222, -6 * 60, 5 * 3600)]
    kept = SampleClock(came, at, at - timedelta(minutes=16), at)
    late = SampleClock(came, at - timedelta(minutes=5), at - timedelta(minutes=2), at)
    return [*running, kept, late]


def _form(theme: str) -> SampleForm:
    values = {"company": "Rheintal Kältetechnik GmbH", "email": "a.hoffmann@rheintal", "share": "owed", "way": "call"}
    return SampleForm({f"{theme}-{name}": value for name, value in values.items()}, prefix=theme)
