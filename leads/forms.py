"""The hosted form as a Django form, made from its channel's configuration."""

import uuid
from datetime import datetime
from typing import Any

from django import forms
from django.core import signing
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from leadmgmt.core.now import now
from leads.channels.direct import CARRIED
from leads.channels.form import AUTOCOMPLETE, FormSpec, Question
from leads.models import Contact
from leads.normalise import read_submission
from leads.normalise.cells import TEXTS
from leads.normalise.email import InvalidAddress, read_address
from leads.normalise.refusal import Refused

# A field that no person sees; programs that fill in everything give themselves away.
TRAP = "homepage_url"
LONGEST_ANSWER = 2000
SALT = "leads.hosted_form"


def new_token(at: datetime) -> str:
    """A signed token for one showing of a form: when it was shown, and by what a second click on it is known."""
    return signing.dumps({"id": uuid.uuid4().hex, "at": at.timestamp()}, salt=SALT)


def read_token(token: str) -> tuple[str, float]:
    """The token's own id and when the form was shown; empty and 0 for one that is not ours."""
    try:
        found = signing.loads(token, salt=SALT)
        return str(found["id"]), float(found["at"])
    except (signing.BadSignature, KeyError, TypeError, ValueError):
        return "", 0.0


class HostedForm(forms.Form):
    """Fields named as in the payload; what is wrong is said under the field, what was typed stays."""

    def __init__(self, spec: FormSpec, data: Any = None, known: Contact | None = None) -> None:
        super().__init__(data, auto_id="f_%s", use_required_attribute=False)
        self.spec = spec
        self.known = known
        self.asked = questions_for(spec, known)
        for question in self.asked:
            self.fields[question.key] = _field(question)
        for ask in spec.asks:
            self.fields[f"consent_{ask.purpose}"] = forms.BooleanField(label=str(ask.text), required=False)

    @property
    def is_trapped(self) -> bool:
        """Whether the field that no person sees was filled in."""
        return bool(self.data.get(TRAP))

    def clean(self) -> dict[str, Any]:
        """Say what could not be used before it is sent, in the reader's language."""
        cleaned: dict[str, Any] = super().clean() or {}
        if address := cleaned.get("email"):
            try:
                read_address(address)
            except InvalidAddress as error:
                self.add_error("email", str(error))
        if not self.errors:
            try:
                read_submission(self.payload(), received_at=now())
            except Refused as refusal:
                for problem in refusal.problems:
                    self.add_error(problem.field if problem.field in self.fields else None, problem.detail)
        return cleaned

    def payload(self) -> dict[str, Any]:
        """The submission in our language; a consent that was not given is not mentioned."""
        said = {name: self.cleaned_data[name] for name in self._keys() if self.cleaned_data.get(name)}
        consent = {
            ask.purpose: {"granted": True, "text": str(ask.text), "version": ask.version}
            | ({"confirm": True} if self.spec.confirms else {})
            for ask in self.spec.asks
            if self.cleaned_data.get(f"consent_{ask.purpose}")
        }
        if consent:
            said["consent"] = consent
        if self.known is not None and self.known.email:
            # Who is known is not asked again; whose answer it is stays on our side.
            said.setdefault("email", self.known.email)
        if self.spec.subject:
            said.setdefault("subject", self.spec.subject)
        said.setdefault("language", (get_language() or "en")[:2])
        return said

    def carried(self) -> dict[str, str]:
        """What is known of the visit, from the hidden fields."""
        return {name: value[:500] for name in CARRIED if (value := str(self.data.get(name, "")).strip())}

    def lines(self) -> list[list[forms.BoundField]]:
        """The fields as they stand on the page: halves in pairs, all others alone."""
        found: list[list[forms.BoundField]] = []
        open_pair = False
        for question in self.asked:
            if question.half and open_pair:
                found[-1].append(self[question.key])
                open_pair = False
            else:
                found.append([self[question.key]])
                open_pair = question.half
        return found

    def consents(self) -> list[forms.BoundField]:
        """The boxes to tick."""
        return [self[f"consent_{ask.purpose}"] for ask in self.spec.asks]

    def _keys(self) -> list[str]:
        return [question.key for question in self.asked]


def questions_for(spec: FormSpec, known: Contact | None) -> tuple[Question, ...]:
    """What is asked: of strangers everything that is not for later; of people we know what they have not answered."""
    if known is None:
        return tuple(question for question in spec.questions if not question.later)
    open_ones = [question for question in spec.questions if not _is_answered(question, known)]
    # What they want to say now is asked each time.
    free = [question for question in spec.questions if question.type == "textarea"]
    fresh = [question for question in open_ones if question.type != "textarea"][: spec.at_once]
    return (*fresh, *free) or spec.questions


def _is_answered(question: Question, known: Contact) -> bool:
    if question.key == "company":
        return known.company_id is not None
    if question.key == "name":
        return bool(known.full_name)
    return bool(getattr(known, question.key, None) or known.attributes.get(question.key))


def _field(question: Question) -> forms.Field:
    told: dict[str, Any] = {
        "label": str(question.label),
        "required": question.is_required,
        "help_text": str(question.help),
        "error_messages": {"required": _("This is needed to answer you.")},
    }
    attributes = {"autocomplete": AUTOCOMPLETE.get(question.key, "off")}
    most = min(TEXTS.get(question.key, LONGEST_ANSWER), 20_000)
    if question.type == "checkbox":
        return forms.BooleanField(**told)
    if question.type in ("radio", "checkboxes"):
        chosen = [(value, str(label)) for value, label in question.options]
        if question.type == "radio":
            return forms.ChoiceField(choices=chosen, widget=forms.RadioSelect, **told)
        return forms.MultipleChoiceField(choices=chosen, widget=forms.CheckboxSelectMultiple, **told)
    if question.type == "select":
        choices = [("", "–"), *((value, str(label)) for value, label in question.options)]
        return forms.ChoiceField(choices=choices, **told)
    if question.type == "textarea":
        return forms.CharField(max_length=most, widget=forms.Textarea(attrs={"rows": 3}), **told)
    widgets = {"email": forms.EmailInput, "tel": forms.TextInput}
    widget = widgets.get(question.type, forms.TextInput)(attrs=attributes)
    widget.input_type = question.type
    return forms.CharField(max_length=most, widget=widget, **told)
