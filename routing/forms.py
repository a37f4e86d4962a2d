"""Forms of the routing pages."""

from collections.abc import Mapping, Sequence
from datetime import time
from itertools import pairwise
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from leads.facts import FACTS
from leads.facts.places import PREFIX
from leads.models import Reason, TerritoryTable
from routing.editor import language
from routing.models import Pool, Rep, RepCap, Rule, SlaPolicy
from routing.services.draft import RuleData

Destination = Rule.Destination
Choices = Sequence[tuple[str, Any]]
MUST, WISH = "must", "wish"
WANTED = (("", _("no matter")), (MUST, _("must")), (WISH, _("rather")))
MORE = ("language", "country", "territory", "skills", "cover", "fallback_pool")
# Fields of the form, as what a rule wants of a rep.
ASKED = {"language": ("languages", "contact.language"), "country": ("countries", "contact.country")}


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
    language = forms.ChoiceField(label=_("Speaks the lead's language"), choices=WANTED, required=False)
    country = forms.ChoiceField(label=_("Looks after the lead's country"), choices=WANTED, required=False)
    territory = forms.ChoiceField(
        label=_("Has the lead's territory among their skills"), choices=WANTED[:1], required=False
    )
    skills = forms.CharField(
        label=_("Skills"), max_length=200, required=False, help_text=_("Such as enterprise, manufacturing.")
    )
    skills_wanted = forms.ChoiceField(label=_("of these"), choices=WANTED[1:], required=False)
    cover = forms.ModelChoiceField(Rep.objects.none(), label=_("If nobody can, to"), required=False, empty_label="–")
    fallback_pool = forms.ModelChoiceField(
        Pool.objects.filter(is_active=True), label=_("or to the pool"), required=False, empty_label=_("they wait")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # A choice field, which the type of ``fields`` does not tell.
        self.fields["target"].choices = targets()  # type: ignore[attr-defined]  # see above
        reps = Rep.objects.filter(user__is_active=True).select_related("user").order_by("user__first_name", "pk")
        self.fields["cover"].queryset = reps  # type: ignore[attr-defined]  # see above
        self.fields["territory"].choices = territory_choices()  # type: ignore[attr-defined]  # see above

    @property
    def says_more(self) -> bool:
        """Whether the rule says more than where its leads go: then that part stands open."""
        source = self.data if self.is_bound else self.initial
        return any(source.get(name) for name in MORE)

    def wants(self) -> list[dict[str, Any]]:
        """What reps must or should be."""
        said = self.cleaned_data
        found: list[dict[str, Any]] = [
            {"rep": attribute, "fact": fact, "must": said[name] == MUST}
            for name, (attribute, fact) in ASKED.items()
            if said[name]
        ]
        if said["territory"]:
            how, _sep, fact = said["territory"].partition(":")
            found.append({"rep": "tags", "fact": fact, "must": how == MUST})
        words = [word.strip() for word in said["skills"].replace(";", ",").split(",") if word.strip()]
        return found + [{"rep": "tags", "value": word, "must": said["skills_wanted"] != WISH} for word in words]

    def rule_data(self, condition: dict[str, Any], *, keep: Sequence[Mapping[str, Any]] = ()) -> RuleData:
        """What the service takes; ``keep`` are wants that the form does not show."""
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
            wants=[*self.wants(), *map(dict, keep)],
            fallback_pool_id=key_of(self.cleaned_data["fallback_pool"]),
            cover_id=key_of(self.cleaned_data["cover"]),
        )


def key_of(row: Any) -> int | None:
    """A row's number, if there is one."""
    return row.pk if row else None


def unshown(wants: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The wants of a rule that its form has no fields for."""
    pairs = set(ASKED.values())
    return [
        one
        for one in wants
        if not (one.get("value") and one.get("rep") == "tags")
        and (one.get("rep"), one.get("fact")) not in pairs
        and not _is_of_territory(one)
    ]


def _is_of_territory(want: Mapping[str, Any]) -> bool:
    return want.get("rep") == "tags" and str(want.get("fact") or "").startswith(f"{PREFIX}.")


def territory_choices() -> list[tuple[str, Any]]:
    """Every table of territories, as a must and as a wish."""
    tables = list(TerritoryTable.objects.values_list("slug", "name"))
    return [
        WANTED[0],
        *((f"{MUST}:{PREFIX}.{slug}", _("must: %(table)s") % {"table": name}) for slug, name in tables),
        *((f"{WISH}:{PREFIX}.{slug}", _("rather: %(table)s") % {"table": name}) for slug, name in tables),
    ]


def _wanted(wants: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The form's fields for a rule's wants."""
    found: dict[str, str] = {}
    for name, (attribute, fact) in ASKED.items():
        one = next((want for want in wants if (want.get("rep"), want.get("fact")) == (attribute, fact)), None)
        if one:
            found[name] = MUST if one.get("must") else WISH
    if placed := next((want for want in wants if _is_of_territory(want)), None):
        found["territory"] = f"{MUST if placed.get('must') else WISH}:{placed['fact']}"
    tags = [want for want in wants if want.get("rep") == "tags" and want.get("value")]
    if tags:
        found["skills"] = ", ".join(str(want["value"]) for want in tags)
        found["skills_wanted"] = MUST if tags[0].get("must") else WISH
    return found


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
        "cover": rule.cover_id,
        "fallback_pool": rule.fallback_pool_id,
        **_wanted(rule.wants),
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
    max_per_hour = forms.IntegerField(label=_("Most leads an hour"), min_value=0, required=False)
    max_per_day = forms.IntegerField(label=_("Most leads a day"), min_value=0, required=False)
    max_per_week = forms.IntegerField(label=_("Most leads a week"), min_value=0, required=False)


class KindCapForm(forms.Form):
    """At most so many leads of a kind."""

    name = forms.CharField(label=_("Kind"), max_length=80)
    fact = forms.ChoiceField(label=_("where"))
    value = forms.CharField(label=_("is one of"), max_length=300, help_text=_("Several with commas."))
    most = forms.IntegerField(label=_("at most"), min_value=0)
    per = forms.ChoiceField(label=_("counted"), choices=RepCap.Per.choices)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        facts = [(name, fact.label(language())) for name, fact in FACTS.items() if fact.kind == "text"]
        self.fields["fact"].choices = facts  # type: ignore[attr-defined]  # a choice field

    def condition(self) -> dict[str, Any]:
        """Which leads are of the kind."""
        values = [word.strip() for word in self.cleaned_data["value"].split(",") if word.strip()]
        return {"fact": self.cleaned_data["fact"], "op": "in", "value": values}


class SkillsForm(forms.Form):
    """What rules may want of a rep, and whose holidays count."""

    languages = forms.CharField(label=_("Languages"), max_length=200, required=False, help_text=_("Such as de, en."))
    countries = forms.CharField(label=_("Countries"), max_length=400, required=False, help_text=_("Such as DE, AT."))
    tags = forms.CharField(label=_("Skills"), max_length=400, required=False)
    holiday_region = forms.CharField(
        label=_("Public holidays of"), max_length=12, required=False, help_text=_("A country or region, as DE-BW.")
    )

    def words(self, name: str) -> list[str]:
        """The field's words, each once."""
        said = self.cleaned_data[name].replace(";", ",").split(",")
        return list(dict.fromkeys(word.strip() for word in said if word.strip()))


class AbsenceForm(forms.Form):
    """A time in which a rep takes no leads, in the rep's time zone."""

    starts_at = forms.DateTimeField(label=_("From"), widget=forms.DateTimeInput(attrs={"type": "datetime-local"}))
    ends_at = forms.DateTimeField(label=_("To"), widget=forms.DateTimeInput(attrs={"type": "datetime-local"}))
    reason = forms.CharField(label=_("Reason"), max_length=120, required=False)
    cover = forms.ModelChoiceField(Rep.objects.none(), label=_("Stands in"), required=False, empty_label="–")
    hands_over = forms.BooleanField(label=_("Open leads go to who stands in, and come back"), required=False)

    def __init__(self, *args: Any, rep: Rep | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        others = Rep.objects.filter(user__is_active=True).select_related("user").order_by("user__first_name", "pk")
        others = others.exclude(pk=rep.pk) if rep else others
        self.fields["cover"].queryset = others  # type: ignore[attr-defined]  # a choice field

    def clean(self) -> dict[str, Any]:
        """An absence ends after it begins."""
        data = super().clean() or {}
        if data.get("starts_at") and data.get("ends_at") and data["ends_at"] <= data["starts_at"]:
            self.add_error("ends_at", _("It ends after it begins."))
        if data.get("hands_over") and not data.get("cover"):
            self.add_error("cover", _("Say who stands in."))
        return data
