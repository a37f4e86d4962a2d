"""Reps: anyone who receives leads, with their hours, absences and capacity."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class Rep(models.Model):
    """What routing knows of a user. The time zone is the user's."""

    user = models.OneToOneField("leads.User", on_delete=models.CASCADE, related_name="rep")
    is_accepting = models.BooleanField(_("takes leads"), default=True, help_text=_("The rep's own switch."))
    max_open_leads = models.PositiveIntegerField(_("most open leads"), null=True, blank=True)
    max_per_day = models.PositiveIntegerField(_("most leads a day"), null=True, blank=True)
    languages = models.JSONField(_("languages"), default=list, blank=True)
    countries = models.JSONField(_("countries"), default=list, blank=True)
    tags = models.JSONField(_("skills"), default=list, blank=True)
    max_per_hour = models.PositiveIntegerField(_("most leads an hour"), null=True, blank=True)
    max_per_week = models.PositiveIntegerField(_("most leads a week"), null=True, blank=True)
    holiday_region = models.CharField(
        _("public holidays of"), max_length=12, blank=True, help_text=_("A country or region, such as DE-BW, AT-9, GB.")
    )

    def __str__(self) -> str:
        return str(self.user)


class Shift(models.Model):
    """Working hours on one weekday, in the rep's time zone; several a day are several rows."""

    rep = models.ForeignKey(Rep, on_delete=models.CASCADE, related_name="shifts")
    weekday = models.PositiveSmallIntegerField(
        _("weekday"), choices=[(day, str(day)) for day in range(7)], help_text=_("0 is Monday")
    )
    starts_at = models.TimeField(_("from"))
    ends_at = models.TimeField(_("to"))

    class Meta:
        ordering = ["weekday", "starts_at"]
        constraints = [
            models.CheckConstraint(condition=Q(weekday__lte=6), name="routing_shift_weekday"),
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="routing_shift_order"),
        ]

    def __str__(self) -> str:
        return f"{self.weekday} {self.starts_at:%H:%M}-{self.ends_at:%H:%M}"


class Absence(models.Model):
    """A time in which a rep takes no leads."""

    rep = models.ForeignKey(Rep, on_delete=models.CASCADE, related_name="absences")
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("to"))
    reason = models.CharField(_("reason"), max_length=120, blank=True)
    cover = models.ForeignKey(
        Rep, verbose_name=_("stands in"), on_delete=models.SET_NULL, null=True, blank=True, related_name="covers"
    )
    hands_over = models.BooleanField(_("open leads go to who stands in"), default=False)
    handed_at = models.DateTimeField(null=True, blank=True, editable=False)
    returned_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="routing_absence_order")]
        indexes = [models.Index(fields=["rep", "ends_at"], name="routing_absence_rep")]

    def __str__(self) -> str:
        return f"{self.rep}: {self.starts_at:%Y-%m-%d}"


class CoverMove(models.Model):
    """One lead that went to whoever stands in for an absence, and whether it has come back."""

    absence = models.ForeignKey(Absence, on_delete=models.CASCADE, related_name="moves")
    lead = models.ForeignKey("leads.Lead", on_delete=models.CASCADE, related_name="cover_moves")
    moved_at = models.DateTimeField(_("moved"))
    returned_at = models.DateTimeField(_("returned"), null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["absence", "lead"], name="routing_covermove_once")]

    def __str__(self) -> str:
        return f"{self.absence_id}: {self.lead_id}"


class RepCap(models.Model):
    """At most so many leads of a kind."""

    class Per(models.TextChoices):
        """What is counted."""

        OPEN = "open", _("open at a time")
        HOUR = "hour", _("an hour")
        DAY = "day", _("a day")
        WEEK = "week", _("a week")

    rep = models.ForeignKey(Rep, on_delete=models.CASCADE, related_name="caps")
    name = models.CharField(_("name"), max_length=80)
    condition = models.JSONField(_("condition"), default=dict, blank=True)
    per = models.CharField(_("counted"), max_length=4, choices=Per, default=Per.OPEN)
    most = models.PositiveIntegerField(_("at most"))

    class Meta:
        ordering = ["rep", "pk"]

    def __str__(self) -> str:
        return f"{self.rep}: {self.name}"
