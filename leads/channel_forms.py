"""Forms for setting channels up."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from leads.channels.base import Setting
from leads.channels.catalogue import entry
from leads.models import Channel, Source
from leads.services.credentials import credentials, put_credentials

if TYPE_CHECKING:
    _Base = forms.ModelForm[Channel]
else:
    # Generic for the type checker alone.
    _Base = forms.ModelForm

MOST_TEXT = 4000


class NewChannelForm(_Base):
    """Name and address of a new channel."""

    slug = forms.SlugField(
        label=gettext_lazy("Short name"),
        max_length=80,
        required=False,
        help_text=gettext_lazy("Part of its address; made from the name where it is left empty. It stays for good."),
    )

    class Meta:
        model = Channel
        fields = ("name", "slug")

    def clean(self) -> dict[str, Any]:
        """Make the short name, and say where it is taken."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if "slug" in self.errors:
            return cleaned
        slug = cleaned.get("slug") or slugify(cleaned.get("name") or "")[:80]
        if not slug:
            self.add_error("slug", _("Give it a short name of letters, digits and hyphens."))
        elif slug == "new" or Channel.objects.filter(slug=slug).exists():
            self.add_error("slug", _("This short name is taken: “%(slug)s”.") % {"slug": slug})
        cleaned["slug"] = slug
        return cleaned


class ChannelForm(_Base):
    """Name, usual source, and what the kind asks for; a credential is written, never read back."""

    class Meta:
        model = Channel
        fields = ("name", "source")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        source: Any = self.fields["source"]
        source.queryset = Source.objects.filter(is_active=True)
        source.label = _("Source")
        source.required = False
        source.help_text = _("Counts where a submission names none.")
        self.asked = entry(self.instance.kind).settings
        known = credentials(self.instance) if self.instance.secrets else {}
        for setting in self.asked:
            self.fields[_name(setting)] = _field(setting, self.instance.config, is_set=setting.key in known)

    def save(self, commit: bool = True) -> Channel:
        """Take over the settings; a credential that was left empty stays as it was."""
        channel = super().save(commit=False)
        config = dict(channel.config) if isinstance(channel.config, dict) else {}
        secrets = {}
        for setting in self.asked:
            value = self.cleaned_data.get(_name(setting))
            if setting.kind == "secret":
                secrets[setting.key] = value or ""
            elif setting.kind == "lines":
                config[setting.key] = [text for one in (value or "").splitlines() if (text := one.strip())]
            else:
                config[setting.key] = value
        channel.config = config
        put_credentials(channel, secrets)
        if commit:
            channel.save()
        return channel


def _name(setting: Setting) -> str:
    return f"setting_{setting.key}"


def _field(setting: Setting, config: dict[str, Any], *, is_set: bool) -> forms.Field:
    value = config.get(setting.key)
    told: dict[str, Any] = {"label": str(setting.label), "help_text": str(setting.help), "initial": value}
    if setting.kind == "switch":
        return forms.BooleanField(**told, required=False)
    if setting.kind == "choice":
        return forms.ChoiceField(**told, choices=list(setting.options), required=setting.is_required)
    if setting.kind == "lines":
        told["initial"] = "\n".join(map(str, value)) if isinstance(value, list) else value
        area = forms.Textarea(attrs={"rows": 3, "placeholder": setting.placeholder})
        return forms.CharField(**told, required=setting.is_required, max_length=MOST_TEXT, widget=area)
    attributes = {"autocomplete": "off", "placeholder": setting.placeholder}
    if setting.kind == "secret":
        told |= {"initial": ""}
        if is_set:
            attributes["placeholder"] = _("Is set. Write a new one to change it.")
        hidden = forms.PasswordInput(attrs={**attributes, "autocomplete": "new-password"})
        needed = setting.is_required and not is_set
        return forms.CharField(**told, required=needed, max_length=MOST_TEXT, widget=hidden)
    widget = forms.TextInput(attrs=attributes)
    return forms.CharField(**told, required=setting.is_required, max_length=MOST_TEXT, widget=widget)
