"""Forms of the desk: what a rep does about a lead, in the reader's words and time zone."""

from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from leads.models import Lead, Reason, Source, User
from qualification.desk.facts import COMPANY_FIELDS, PERSON_FIELDS, in_words
from qualification.models import Activity, Answer, MailTemplate, Question
from qualification.services.override import stages_ahead

WHEN = forms.DateTimeInput(attrs={"type": "datetime-local", "step": 300}, format="%Y-%m-%dT%H:%M")


class LogForm(forms.Form):
    """One activity."""

    kind = forms.ChoiceField(choices=Activity.Kind.choices)
    disposition = forms.ChoiceField(choices=[("", ""), *Activity.Disposition.choices], required=False)
    body = forms.CharField(required=False, max_length=20_000, strip=True, label=_("What was said"))
    due_at = forms.DateTimeField(required=False, label=_("Agreed for"), widget=WHEN)


class MailForm(forms.Form):
    """One mail to a lead."""

    template = forms.ModelChoiceField(MailTemplate.objects.filter(is_active=True), required=False)
    subject = forms.CharField(required=False, label=_("Subject"))
    body = forms.CharField(required=False, label=_("Text"), widget=forms.Textarea)


class SnoozeForm(forms.Form):
    """Until when: one of a few usual times, or a time of one's own. Valid, it holds the `moment`."""

    until = forms.CharField(required=False, max_length=40)
    own = forms.DateTimeField(required=False, widget=WHEN, error_messages={"invalid": _("Say until when.")})

    def __init__(self, *args: Any, at: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.at = at

    def clean(self) -> dict[str, Any]:
        """What was chosen, as a moment."""
        said = super().clean() or {}
        usual = {name: when for name, _label, when in snooze_choices(self.at)}
        moment = said.get("own") if said.get("until") == "own" else usual.get(said.get("until", ""))
        if moment is None and "own" not in self.errors:
            self.add_error("own", _("Say until when."))
        return said | {"moment": moment}


def snooze_choices(at: datetime) -> list[tuple[str, Any, datetime]]:
    """Usual times to put a lead aside until: name, words, moment in the reader's zone."""
    here = timezone.localtime(at)

    def morning(days: int) -> datetime:
        day = here.date() + timedelta(days=days)
        return timezone.make_aware(datetime.combine(day, time(9, 0)), here.tzinfo)

    to_monday = 7 - here.weekday()
    tomorrow = 1 if here.weekday() < 4 else to_monday
    return [
        ("hour", _("In an hour"), at + timedelta(hours=1)),
        ("three", _("In three hours"), at + timedelta(hours=3)),
        ("tomorrow", _("Tomorrow morning") if tomorrow == 1 else _("Monday morning"), morning(tomorrow)),
        ("week", _("Next Monday"), morning(to_monday if tomorrow == 1 else to_monday + 7)),
    ]


class AnswerForm(forms.Form):
    """An answer with what it rests on. `seen` is the answer that stood there when the form was opened."""

    value = forms.CharField(max_length=2000, strip=True, label=_("Answer"))
    evidence = forms.ChoiceField(choices=Answer.Evidence.choices, label=_("Where from"), initial=Answer.Evidence.CALL)
    quote = forms.CharField(
        required=False, max_length=2000, strip=True, label=_("In their words"), widget=forms.Textarea(attrs={"rows": 2})
    )
    confidence = forms.TypedChoiceField(
        coerce=int,
        choices=[(1, _("1, a guess")), (2, "2"), (3, _("3, likely")), (4, "4"), (5, _("5, certain"))],
        initial=3,
        label=_("How sure"),
    )
    against = forms.BooleanField(required=False, label=_("Speaks against us"))
    seen = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, question: Question, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.question = question
        field = self.fields["value"]
        field.label = question.label
        if question.kind == Question.Kind.CHOICE and question.options:
            self.fields["value"] = forms.ChoiceField(choices=_options(question), label=question.label)
        elif question.kind == Question.Kind.DATE:
            field.widget = forms.DateInput(attrs={"type": "date"})
        elif question.kind == Question.Kind.NUMBER:
            field.widget = forms.TextInput(attrs={"inputmode": "decimal"})
        self.fields["value"].widget.attrs["autofocus"] = True


def _options(question: Question) -> list[tuple[str, str]]:
    """Choices as the question stores them: words, or value and label."""
    found = []
    for option in question.options:
        if isinstance(option, dict):
            value = str(option.get("value", ""))
            found.append((value, str(option.get("label") or option.get("label_en") or value)))
        else:
            found.append((str(option), str(option)))
    return found


class DisqualifyForm(forms.Form):
    """Why this is nothing for us."""

    reason = forms.ModelChoiceField(Reason.objects.none(), label=_("Reason"), empty_label=_("Choose a reason"))
    note = forms.CharField(required=False, max_length=500, label=_("Note"), widget=forms.Textarea(attrs={"rows": 2}))

    kind = Reason.Kind.DISQUALIFY

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        reasons = Reason.objects.filter(kind=self.kind, is_active=True)
        self.fields["reason"] = forms.ModelChoiceField(
            reasons, label=_("Reason"), empty_label=_("Choose a reason"), error_messages={"required": _("Say why.")}
        )
        self.fields["reason"].widget.attrs["autofocus"] = True


class RecycleForm(DisqualifyForm):
    """Why not now, and when to try again; without a date the reason's own pause counts."""

    kind = Reason.Kind.RECYCLE
    wake_on = forms.DateField(
        required=False,
        label=_("Wake up on"),
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_("Empty: as long as the reason says."),
    )

    def clean_wake_on(self) -> Any:
        """A day to come."""
        day = self.cleaned_data.get("wake_on")
        if day is not None and day <= timezone.localdate():
            raise forms.ValidationError(_("Choose a day to come."))
        return day


class ReassignForm(forms.Form):
    """Who takes the lead over."""

    user = forms.ModelChoiceField(User.objects.none(), label=_("Rep"), empty_label=_("Choose a rep"))

    def __init__(self, people: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["user"] = forms.ModelChoiceField(people, label=_("Rep"), empty_label=_("Choose a rep"))
        self.fields["user"].widget.attrs["autofocus"] = True


class MoveOnForm(forms.Form):
    """Which stage the lead is to have, and why."""

    stage = forms.ChoiceField(label=_("It becomes"))
    reason = forms.CharField(
        label=_("Why, though it does not meet the criteria"),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": _("Say why.")},
    )

    def __init__(self, lead: Lead, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(stage.value, stage.label) for stage in stages_ahead(lead)]
        # A choice field, which the type of ``fields`` does not tell.
        self.fields["stage"].choices = choices  # type: ignore[attr-defined]  # see above
        self.fields["reason"].widget.attrs["autofocus"] = True


class CorrectForm(forms.Form):
    """One fact in a person's words; empty takes the value away."""

    value = forms.CharField(required=False, max_length=254, strip=True)


def correct_form(lead: Lead, subject: str, field: str) -> CorrectForm | None:
    """The form for one fact, with what stands there; None where nothing of that name can be corrected."""
    if subject == "person" and field in PERSON_FIELDS:
        return CorrectForm(initial={"value": in_words(field, getattr(lead.contact, field))})
    company = lead.contact.company
    if subject == "company" and field in COMPANY_FIELDS and company is not None:
        return CorrectForm(initial={"value": in_words(field, getattr(company, field))})
    return None


MOST_AT_ONCE = 200


class BulkForm(forms.Form):
    """What to do with the ticked leads."""

    leads = forms.TypedMultipleChoiceField(coerce=int, choices=())
    do = forms.ChoiceField(choices=[("snooze", ""), ("assign", "")])
    user = forms.IntegerField(required=False)

    def __init__(self, data: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(data, *args, **kwargs)
        sent = [pk for pk in data.getlist("leads") if pk.isdecimal() and len(pk) < 19][:MOST_AT_ONCE]
        self.fields["leads"] = forms.TypedMultipleChoiceField(coerce=int, choices=[(pk, pk) for pk in sent])


class NewLeadForm(forms.Form):
    """A lead entered by hand: whoever they are, there must be a way to reach them."""

    email = forms.EmailField(required=False, max_length=254, label=_("E-mail"))
    phone = forms.CharField(required=False, max_length=80, label=_("Phone"))
    first_name = forms.CharField(required=False, max_length=120, label=_("First name"))
    last_name = forms.CharField(required=False, max_length=120, label=_("Last name"))
    company = forms.CharField(required=False, max_length=255, label=_("Company"))
    job_title = forms.CharField(required=False, max_length=160, label=_("Role"))
    source = forms.ModelChoiceField(
        Source.objects.filter(is_active=True),
        required=False,
        label=_("Source"),
        to_field_name="slug",
        empty_label=_("Not known"),
    )
    subject = forms.CharField(
        required=False, max_length=200, label=_("About"), help_text=_("What they want: demo, pricing, a call.")
    )
    message = forms.CharField(
        required=False, max_length=5000, label=_("In their words"), widget=forms.Textarea(attrs={"rows": 3})
    )
    keep = forms.BooleanField(required=False, label=_("I take this lead myself"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Said beside the label instead of "optional"; `clean` asks for one of the two.
        vars(self.fields["email"])["needed_for"] = _("or a phone number")
        vars(self.fields["phone"])["needed_for"] = _("or an e-mail address")

    def clean(self) -> dict[str, Any]:
        """Somebody who cannot be reached is no lead to enter by hand."""
        said = super().clean() or {}
        if not self.errors and not said.get("email") and not said.get("phone"):
            self.add_error("email", _("Give an e-mail address or a phone number."))
        return said

    def payload(self) -> dict[str, str]:
        """What the form says, as a submission."""
        said = self.cleaned_data
        found = {name: str(said[name]) for name in said if name not in ("keep", "source") and said[name]}
        if said.get("source"):
            found["source"] = said["source"].name
        return found
