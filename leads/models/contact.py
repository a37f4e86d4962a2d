"""The person."""

from typing import Any

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.utils.translation import gettext_lazy as _

from leads.normalise.naming import name_key, person_key


class Contact(models.Model):
    """One person, once. `email` is as the person writes it, `email_key` what it is matched by."""

    email = models.CharField(_("e-mail"), max_length=254, blank=True)
    email_key = models.CharField(max_length=254, null=True, blank=True, editable=False)
    phone = models.CharField(_("phone"), max_length=32, blank=True, help_text=_("E.164"))
    phone_raw = models.CharField(
        max_length=80, blank=True, help_text=_("As given, where it is no number we understand.")
    )
    first_name = models.CharField(_("first name"), max_length=120, blank=True)
    last_name = models.CharField(_("last name"), max_length=120, blank=True)
    name_title = models.CharField(_("form of address"), max_length=40, blank=True)
    name_key = models.CharField(
        max_length=200, blank=True, editable=False, help_text=_("What the name is matched by (leads.normalise.naming).")
    )
    person_key = models.CharField(
        max_length=240, null=True, blank=True, editable=False, help_text=_("Phone and name: certainly one person.")
    )
    merged_into = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="merged",
        help_text=_("Who this turned out to be; such a row is kept for the way back and matched by nothing."),
    )
    job_title = models.CharField(_("job title"), max_length=160, blank=True)
    seniority = models.CharField(_("seniority"), max_length=20, blank=True)
    department = models.CharField(_("department"), max_length=20, blank=True)
    company = models.ForeignKey(
        "leads.Company", on_delete=models.PROTECT, null=True, blank=True, related_name="contacts"
    )
    country = models.CharField(_("country"), max_length=2, blank=True)
    region = models.CharField(_("region"), max_length=80, blank=True, help_text=_("State, province or canton."))
    postal_code = models.CharField(_("postal code"), max_length=16, blank=True)
    city = models.CharField(_("city"), max_length=120, blank=True)
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True)
    language = models.CharField(_("language"), max_length=8, blank=True)
    email_class = models.CharField(
        _("kind of address"), max_length=12, blank=True, help_text=_("business, free, disposable or role")
    )
    deliverability = models.CharField(
        _("deliverability"), max_length=10, blank=True, help_text=_("Whether the domain receives mail: receives, none.")
    )
    attributes = models.JSONField(
        _("further answers"), default=dict, blank=True, help_text=_("Fields of a channel that are none of ours.")
    )
    erased_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text=_("Since when nobody knows who this was.")
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["email_key"], name="leads_contact_email_key_unique"),
            # Two submissions of one person at one instant: the second finds the first.
            models.UniqueConstraint(fields=["person_key"], name="leads_contact_person_key_unique"),
        ]
        indexes = [
            # Search box: by name and by address.
            GinIndex(
                fields=["first_name", "last_name"],
                opclasses=["gin_trgm_ops", "gin_trgm_ops"],
                name="leads_contact_name_trgm",
            ),
            GinIndex(fields=["email"], opclasses=["gin_trgm_ops"], name="leads_contact_email_trgm"),
            # Who called?
            models.Index(fields=["phone"], condition=~models.Q(phone=""), name="leads_contact_phone"),
            # The same name elsewhere.
            models.Index(fields=["name_key"], condition=~models.Q(name_key=""), name="leads_contact_name_key"),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Written one by one (in the admin, in tests), a contact gets its keys here; services set them themselves."""
        if self._state.adding and not self.name_key:
            self.rekey()
        super().save(*args, **kwargs)

    def rekey(self) -> bool:
        """Work out what the contact is matched by besides its address; returns whether that changed."""
        before = (self.name_key, self.person_key)
        self.name_key = "" if self.merged_into_id else name_key(self.first_name, self.last_name)
        self.person_key = person_key(self.phone, self.name_key)
        return before != (self.name_key, self.person_key)

    @property
    def full_name(self) -> str:
        """First and last name, empty where none is known."""
        return f"{self.first_name} {self.last_name}".strip()

    @property
    def name(self) -> str:
        """What to call the person on a screen: name, else address, else phone, else their number with us."""
        if self.erased_at is not None:
            return _("Erased person %(id)s") % {"id": self.pk}
        return self.full_name or self.email or self.phone or self.phone_raw or (_("Contact %(id)s") % {"id": self.pk})

    @property
    def initials(self) -> str:
        """Two letters for an avatar."""
        return (self.first_name[:1] + self.last_name[:1] or self.name[:2]).upper()

    @property
    def is_reachable(self) -> bool:
        """Whether there is a way to write to or call this person."""
        return bool(self.email or self.phone)


class ContactAlias(models.Model):
    """A further address that leads to a contact: an earlier one, a private one, one of somebody merged into it."""

    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="aliases")
    email = models.CharField(_("e-mail"), max_length=254)
    key = models.CharField(max_length=254, unique=True, editable=False)
    at = models.DateTimeField(_("since"))

    class Meta:
        verbose_name_plural = _("contact aliases")

    def __str__(self) -> str:
        return self.email


class ContactIdentity(models.Model):
    """A source's own id of a contact: how a person without an address is found again."""

    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="identities")
    channel = models.ForeignKey("leads.Channel", on_delete=models.PROTECT, related_name="identities")
    external_id = models.CharField(max_length=255)

    class Meta:
        verbose_name_plural = _("contact identities")
        constraints = [models.UniqueConstraint(fields=["channel", "external_id"], name="leads_contactidentity_unique")]

    def __str__(self) -> str:
        return self.external_id
