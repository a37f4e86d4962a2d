"""Forms of the routing pages."""

from collections.abc import Sequence
from datetime import time
from itertools import pairwise
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from leads.models import Reason
from routing.models import Pool, Rep, Rule, SlaPolicy
from routing.services.draft import RuleData

Destination = Rule.Destination
Choices = Sequence[tuple[str, Any]]


def targets() -> list[tuple[str, Any]]:
    """Everything that leads can be given to, as the choices of one field."""
    pools = list(Pool.objects.filter(is_active=True))
    reps = Rep.objects.filter(user__is_active=True).select_related("user").order_by("user__first_name", "pk")
    reasons = Reason.objects.filter(kind=Reason.Kind.DISQUALIFY, is_active=True)
    return [
        (str(_("Shared by a pool")), [(f"pool:{pool.pk}", pool.name) for pool in pools]),
        (
            str(_("Owner of the account, else")),
            [(f"account_owner:{pool.pk}", str(_("Account owner, else %(pool)s") % {"pool": pool})) for pool in pools],
        ),
        (str(_("One rep")), [(f"rep:{rep.pk}", str(rep)) for rep in reps]),
        (
            str(_("Nobody")),
            [("waiting:0", str(_("Waiting room")))]
            + [(f"disqualify:{one.pk}", str(_("Disqualify: %(reason)s") % {"reason": one})) for one in reasons],
        ),
    ]


class RuleForm(forms.Form):
    """A rule but for its condition, which the editor's rows hold."""

    name = forms.CharField(label=_("Name"), max_length=120)
    target = forms.ChoiceField(label=_("Give to"))
    sla_policy = forms.ModelChoiceField(
        SlaPolicy.objects.all(), label=_("Promise"), required=False, empty_label=_("The default one")
    )
    is_active = forms.BooleanField(label=_("In use"), required=False, initial=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # A choice field, which the type of ``fields`` does not tell.
        self.fields["target"].choices = targets()  # type: ignore[attr-defined]  # see above

    def rule_data(self, condition: dict[str, Any]) -> RuleData:
        """What the service takes."""
        destination, _sep, key = self.cleaned_data["target"].partition(":")
        policy = self.cleaned_data["sla_policy"]
        return RuleData(
            name=self.cleaned_data["name"].strip(),
            destination=destination,
            condition=condition,
            pool_id=int(key) if destination in (Destination.POOL, Destination.ACCOUNT_OWNER) else None,
            rep_id=int(key) if destination == Destination.REP else None,
            reason_id=int(key) if destination == Destination.DISQUALIFY else None,
            sla_policy_id=policy.pk if policy else None,
            is_active=self.cleaned_data["is_active"],
        )


def rule_initial(rule: Rule) -> dict[str, Any]:
    """A stored rule as the form's first values."""
    keys = {
        Destination.POOL: rule.pool_id,
        Destination.ACCOUNT_OWNER: rule.pool_id,
        Destination.REP: rule.rep_id,
        Destination.DISQUALIFY: rule.reason_id,
    }
    return {
        "name": rule.name,
        "target": f"{rule.destination}:{keys.get(Destination(rule.destination)) or 0}",
        "sla_policy": rule.sla_policy_id,
        "is_active": rule.is_active,
    }


class HoursField(forms.CharField):
    """The working hours of one day as text: 9:00-12:00, 13:00-17:00."""

    default_error_messages = {
        "unreadable": _("Write hours as 9:00-12:00, 13:00-17:00."),
        "order": _("Each stretch ends after it begins, and the next begins later."),
    }

    def clean(self, value: Any) -> list[tuple[time, time]]:
        """The stretches in order."""
        text = super().clean(value)
        try:
            spans = [_span(part) for part in text.replace("–", "-").replace(";", ",").split(",") if part.strip()]
        except ValueError:
            raise forms.ValidationError(self.error_messages["unreadable"]) from None
        moments = [moment for span in spans for moment in span]
        if any(later < earlier for earlier, later in pairwise(moments)) or any(start >= end for start, end in spans):
            raise forms.ValidationError(self.error_messages["order"])
        return spans


def _span(text: str) -> tuple[time, time]:
    start, end = text.split("-")
    return _time(start), _time(end)


def _time(text: str) -> time:
    hour, _sep, minute = text.strip().partition(":")
    return time(23, 59) if (hour, minute or "00") == ("24", "00") else time(int(hour), int(minute or 0))


class HoursForm(forms.Form):
    """A week's hours, day by day."""

    DAYS = (
        _("Monday"),
        _("Tuesday"),
        _("Wednesday"),
        _("Thursday"),
        _("Friday"),
        _("Saturday"),
        _("Sunday"),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for number, day in enumerate(self.DAYS):
            self.fields[f"day_{number}"] = HoursField(label=day, required=False, max_length=120)

    def hours(self) -> list[tuple[int, time, time]]:
        """Weekday, from, to."""
        return [(day, *span) for day in range(7) for span in self.cleaned_data[f"day_{day}"]]


class CapsForm(forms.Form):
    """How much a rep can take."""

    max_open_leads = forms.IntegerField(label=_("Most open leads"), min_value=0, required=False)
    max_per_day = forms.IntegerField(label=_("Most leads a day"), min_value=0, required=False)


class AbsenceForm(forms.Form):
    """A time in which a rep takes no leads, in the rep's time zone."""

    starts_at = forms.DateTimeField(label=_("From"), widget=forms.DateTimeInput(attrs={"type": "datetime-local"}))
    ends_at = forms.DateTimeField(label=_("To"), widget=forms.DateTimeInput(attrs={"type": "datetime-local"}))
    reason = forms.CharField(label=_("Reason"), max_length=120, required=False)

    def clean(self) -> dict[str, Any]:
        """An absence ends after it begins."""
        data = super().clean() or {}
        if data.get("starts_at") and data.get("ends_at") and data["ends_at"] <= data["starts_at"]:
            self.add_error("ends_at", _("It ends after it begins."))
        return data
