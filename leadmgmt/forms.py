"""Forms about oneself: signing in, the profile."""

from typing import TYPE_CHECKING, Any, ClassVar
from zoneinfo import available_timezones

from django import forms
from django.utils.translation import gettext_lazy as _

from leads.models import User

if TYPE_CHECKING:
    _UserForm = forms.ModelForm[User]
else:
    # Generic for the type checker alone.
    _UserForm = forms.ModelForm

ZONES = sorted(
    name for name in available_timezones() if "/" in name and not name.startswith(("Etc/", "posix", "right"))
)


class SignInForm(forms.Form):
    """E-mail and password; what is wrong is said under the field."""

    email = forms.EmailField(
        label=_("E-mail"), widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True})
    )
    password = forms.CharField(
        label=_("Password"), strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )
    stay = forms.BooleanField(label=_("Stay signed in on this computer for 7 days"), required=False)

    def focus_password(self) -> None:
        """After a failed try the password is what to type again."""
        del self.fields["email"].widget.attrs["autofocus"]
        self.fields["password"].widget.attrs["autofocus"] = True


class ProfileForm(_UserForm):
    """What a person decides about themselves."""

    time_zone = forms.ChoiceField(label=_("Time zone"), choices=[(name, name.replace("_", " ")) for name in ZONES])

    class Meta:
        model = User
        fields = (
            "first_name",
            "last_name",
            "language",
            "time_zone",
            "theme",
            "density",
            "keys_enabled",
            "mail_signature",
            "booking_url",
        )
        widgets: ClassVar[dict[str, Any]] = {
            "theme": forms.RadioSelect,
            "density": forms.RadioSelect,
            "mail_signature": forms.Textarea(attrs={"rows": 4}),
        }
        labels: ClassVar[dict[str, Any]] = {
            "first_name": _("First name"),
            "last_name": _("Last name"),
            "language": _("Language"),
            "theme": _("Colours"),
            "density": _("Lists"),
            "keys_enabled": _("Single letters act as keys"),
        }
        help_texts: ClassVar[dict[str, Any]] = {
            "keys_enabled": _("For example c to call. Switch them off if you dictate or use a screen reader."),
        }
