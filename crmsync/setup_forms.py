"""The forms by which a connection is set up, made from what its adapter wants and what the CRM says of itself."""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from crmsync.adapters.setup import Setting, Setup
from crmsync.fields import ALL_FIELDS
from crmsync.models import Connection, StageMap
from leads.models import Reason

LONGEST_POLL = 3600
# Our fields in words.
NAMES = {
    "name": _("Name"),
    "company": _("Company"),
    "contact": _("Contact"),
    "contact_email": _("E-mail of the contact"),
    "contact_phone": _("Phone of the contact"),
    "currency": _("Currency"),
    "source": _("Source"),
    "campaign": _("Campaign"),
    "summary": _("Qualification summary"),
    "history": _("History"),
    "consent": _("Consent"),
    "link": _("Link to the lead"),
    "brief": _("All of it as one text"),
    "stage": _("Stage"),
    "lost_reason": _("Loss reason"),
    "amount": _("Amount"),
    "close_on": _("Close date"),
    "owner_email": _("Owner"),
}
NOT_MAPPED = ("", _("not mapped: records are held"))


class AccessForm(forms.Form):
    """Where the account is and what opens it. Credentials go in and never come out."""

    name = forms.CharField(label=_("Name"), max_length=120)

    def __init__(self, *args: Any, connection: Connection, setup: Setup, kept: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.setup, self.kept = setup, kept
        self.initial["name"] = connection.name
        # What another way of signing in needs is not in the way of this one.
        flow = str((self.data.get("flow") if self.is_bound else None) or connection.config.get("flow", ""))
        for setting in setup.wanted(flow):
            self.fields[setting.name] = _field(setting, is_kept=bool(kept.get(setting.name)))
            if not setting.is_secret:
                self.initial[setting.name] = connection.config.get(setting.name, setting.default)
        self.fields["poll_seconds"] = forms.IntegerField(
            label=_("Read every … seconds"), min_value=5, max_value=LONGEST_POLL
        )
        self.initial["poll_seconds"] = connection.config.get("poll_seconds", setup.poll_seconds)
        if setup.settings:
            self.fields["adopt_matches"] = forms.BooleanField(
                label=_("Take the company or person that is there already, if there is exactly one"),
                required=False,
                help_text=_("By domain and by e-mail address. Otherwise a person decides each time."),
            )
            self.initial["adopt_matches"] = connection.config.get("adopt_matches", False)

    def clean(self) -> dict[str, Any]:
        """What the chosen way of signing in needs is there."""
        said = super().clean() or {}
        flow = str(said.get("flow", ""))
        for setting in self.setup.wanted(flow):
            given = said.get(setting.name) or self.kept.get(setting.name)
            if setting.is_required and not given and setting.name not in self.errors:
                self.add_error(setting.name, _("Fill this in."))
        return said

    def config(self) -> dict[str, Any]:
        """What is kept in the open."""
        secret = {one.name for one in self.setup.settings if one.is_secret}
        numbers = {one.name for one in self.setup.settings if one.kind == "number"}
        return {
            name: int(value) if name in numbers and value else value
            for name, value in self.cleaned_data.items()
            if name != "name" and name not in secret
        }

    def secrets(self) -> dict[str, str]:
        """What is sealed."""
        return {one.name: self.cleaned_data.get(one.name, "") for one in self.setup.settings if one.is_secret}


def _field(setting: Setting, *, is_kept: bool) -> forms.Field:
    about = {"label": setting.label, "required": False, "help_text": setting.help}
    if setting.kind == "choice":
        return forms.ChoiceField(choices=setting.choices, **about)  # type: ignore[arg-type]  # labels may be lazy
    if setting.kind == "url":
        return forms.URLField(assume_scheme="https", **about)  # type: ignore[arg-type]  # as above
    if setting.kind == "number":
        return forms.IntegerField(min_value=1, **about)  # type: ignore[arg-type]  # as above
    if not setting.is_secret:
        return forms.CharField(max_length=255, **about)  # type: ignore[arg-type]  # as above
    attributes = {"autocomplete": "new-password", "spellcheck": "false"}
    widget = forms.Textarea({**attributes, "rows": 4}) if setting.kind == "long_secret" else None
    if is_kept:
        about["help_text"] = _("Kept encrypted and never shown again. Empty: as it is.")
    return forms.CharField(
        max_length=20_000,
        widget=widget or forms.PasswordInput(attrs=attributes),
        **about,  # type: ignore[arg-type]  # as above
    )


class FieldsForm(forms.Form):
    """Which field of the CRM keeps which of ours."""

    def __init__(self, *args: Any, connection: Connection, mapped: dict[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.known = connection.schema.get("fields", {})
        for name in ALL_FIELDS:
            attributes = {"list": "crm-fields", "autocomplete": "off", "spellcheck": "false"}
            widget = forms.TextInput(attributes)
            self.fields[name] = forms.CharField(label=NAMES[name], required=False, max_length=120, widget=widget)
            self.initial[name] = mapped.get(name, "")

    def chosen(self) -> dict[str, str]:
        """Ours → theirs."""
        return {name: str(self.cleaned_data[name]).strip() for name in ALL_FIELDS}


class StagesForm(forms.Form):
    """What each stage of the CRM means to us."""

    first = forms.ChoiceField(label=_("New deals start in"), required=False)

    def __init__(self, *args: Any, connection: Connection, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        maps = {one.remote: one for one in connection.stages.all()}
        self.stages = list(dict.fromkeys([*connection.schema.get("stages", []), *maps]))
        first: Any = self.fields["first"]
        first.choices = [("", "–"), *((stage, stage) for stage in self.stages)]
        self.initial["first"] = next((one.remote for one in maps.values() if one.is_outbound_default), "")
        for place, stage in enumerate(self.stages):
            name = f"stage-{place}"
            self.fields[name] = forms.ChoiceField(
                label=stage, required=False, choices=[NOT_MAPPED, *StageMap.Meaning.choices]
            )
            self.initial[name] = maps[stage].meaning if stage in maps else ""

    def meanings(self) -> dict[str, str]:
        """Stage → meaning."""
        return {stage: self.cleaned_data[f"stage-{place}"] for place, stage in enumerate(self.stages)}

    def rows(self) -> Iterator[forms.BoundField]:
        """The stages alone."""
        return (self[f"stage-{place}"] for place in range(len(self.stages)))


class ReasonsForm(forms.Form):
    """The CRM's word for each of our loss reasons."""

    def __init__(self, *args: Any, connection: Connection, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        said = {one.reason_id: one.remote for one in connection.loss_reasons.all()}
        self.reasons = list(Reason.objects.filter(kind=Reason.Kind.LOST, is_active=True).order_by("position", "pk"))
        for reason in self.reasons:
            widget = forms.TextInput({"list": "crm-reasons", "autocomplete": "off"})
            self.fields[f"reason-{reason.pk}"] = forms.CharField(
                label=reason.label, required=False, max_length=255, widget=widget
            )
            self.initial[f"reason-{reason.pk}"] = said.get(reason.pk, "")

    def chosen(self) -> dict[int, str]:
        """Reason → the CRM's word."""
        return {reason.pk: self.cleaned_data[f"reason-{reason.pk}"] for reason in self.reasons}
