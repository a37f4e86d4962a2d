"""The people who sign in, by e-mail address. Roles are groups (see leadmgmt.core.permissions)."""

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.core.validators import URLValidator
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _


class Team(models.Model):
    """People who work leads together and see each other's leads."""

    slug = models.SlugField(_("short name"), max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=120)
    converts_by_itself = models.BooleanField(
        _("converts by itself"),
        default=True,
        help_text=_("An SQL becomes an opportunity at once; off: with one click."),
    )

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class UserManager(BaseUserManager["User"]):
    """Makes users with a normalised address."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """A person who may sign in; without a password the account waits for an invitation."""
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.full_clean(exclude=["password"])
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """A person with every permission."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        """Find by address whatever its case."""
        return self.get(email__iexact=username or "")


class User(AbstractUser):
    """One person of our organisation."""

    class Theme(models.TextChoices):
        """Which colours the screens use."""

        SYSTEM = "system", _("As the system")
        LIGHT = "light", _("Light")
        DARK = "dark", _("Dark")

    class Density(models.TextChoices):
        """How much a list shows at once."""

        COMPACT = "compact", _("Compact")
        ROOMY = "roomy", _("Roomy")

    username = None  # type: ignore[assignment]  # people sign in by e-mail; Django's field is removed this way
    email = models.EmailField(_("e-mail"), unique=True)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, null=True, blank=True, related_name="members")
    external_id = models.CharField(
        _("id in other systems"),
        max_length=255,
        null=True,
        blank=True,
        unique=True,
        help_text=_("How imported history and the CRM name this person."),
    )
    time_zone = models.CharField(_("time zone"), max_length=64, default="Europe/Berlin")
    language = models.CharField(
        _("language"), max_length=8, choices=[("en", "English"), ("de", "Deutsch")], default="en"
    )
    theme = models.CharField(_("theme"), max_length=8, choices=Theme, default=Theme.SYSTEM)
    density = models.CharField(_("density"), max_length=8, choices=Density, default=Density.COMPACT)
    mail_signature = models.TextField(
        _("signature under e-mails"), max_length=1000, blank=True, help_text=_("Added below each mail to a lead.")
    )
    booking_url = models.CharField(
        _("where a time can be booked"),
        max_length=300,
        validators=[URLValidator(["https", "http"])],
        blank=True,
        help_text=_("Your page at a booking service; {{ my_calendar }} in texts."),
    )
    calendar_hash = models.CharField(max_length=64, null=True, blank=True, unique=True, editable=False)
    goes_on = models.BooleanField(_("after logging, go on to the next lead"), default=True)
    keys_enabled = models.BooleanField(_("single-letter keys"), default=True)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects: ClassVar[UserManager] = UserManager()  # type: ignore[assignment]  # replaces AbstractUser's manager

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(email=Lower("email")), name="leads_user_email_lower_case")
        ]

    def __str__(self) -> str:
        return self.get_full_name() or self.email

    @property
    def initials(self) -> str:
        """Two letters for an avatar."""
        return (self.first_name[:1] + self.last_name[:1] or self.email[:2]).upper()
