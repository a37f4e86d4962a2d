"""Qualification frameworks: questions, and answers with their evidence."""

from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _


class Framework(models.Model):
    """A set of questions such as BANT, versioned; answers keep the version they were given under."""

    slug = models.SlugField(_("short name"), max_length=40)
    name = models.CharField(_("name"), max_length=120)
    version = models.PositiveIntegerField(_("version"), default=1)
    is_active = models.BooleanField(_("in use"), default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["slug", "version"], name="qualification_framework_version_unique"),
            models.UniqueConstraint(
                fields=["slug"], condition=Q(is_active=True), name="qualification_framework_one_active"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


class Question(models.Model):
    """One thing to find out, with how to ask for it."""

    class Kind(models.TextChoices):
        """What an answer looks like."""

        TEXT = "text", _("Text")
        CHOICE = "choice", _("Choice")
        NUMBER = "number", _("Number")
        DATE = "date", _("Date")

    framework = models.ForeignKey(Framework, on_delete=models.CASCADE, related_name="questions")
    key = models.SlugField(_("key"), max_length=40)
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    label_en = models.CharField(_("label (English)"), max_length=120)
    label_de = models.CharField(_("label (German)"), max_length=120, blank=True)
    ask_en = models.CharField(_("how to ask (English)"), max_length=300, blank=True)
    ask_de = models.CharField(_("how to ask (German)"), max_length=300, blank=True)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind, default=Kind.TEXT)
    options = models.JSONField(_("options"), default=list, blank=True)
    shortcut = models.CharField(_("key on the keyboard"), max_length=1, blank=True)
    is_required = models.BooleanField(_("needed for SQL"), default=True)
    valid_days = models.PositiveSmallIntegerField(
        _("an answer holds for days"),
        null=True,
        blank=True,
        help_text=_("After that it has to be asked again. Empty: it holds as long as the lead is worked."),
    )

    known_from = models.CharField(
        _("known from"), max_length=120, blank=True, help_text=_("A fact that answers it, such as attributes.budget.")
    )
    weight = models.PositiveSmallIntegerField(
        _("weight"), default=1, help_text=_("0 to 10: how much of the qualification it is. 0 counts for nothing.")
    )
    segment = models.ForeignKey(
        "qualification.Segment",
        verbose_name=_("asked of"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="questions",
    )
    # The segment's as it was when this version was written, so that an old SQL keeps its meaning.
    condition = models.JSONField(_("asked of leads that"), default=dict, blank=True)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["framework", "key"], name="qualification_question_key_unique"),
            models.CheckConstraint(condition=Q(weight__lte=10), name="qualification_question_weight"),
            models.CheckConstraint(
                condition=Q(segment__isnull=True, condition={}) | (Q(segment__isnull=False) & ~Q(condition={})),
                name="qualification_question_segment",
            ),
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        """The label in the reader's language."""
        return (self.label_de if (get_language() or "").startswith("de") else "") or self.label_en

    @property
    def ask(self) -> str:
        """How to ask, in the reader's language."""
        return (self.ask_de if (get_language() or "").startswith("de") else "") or self.ask_en


class Answer(models.Model):
    """One answer of one lead to one question; a new answer supersedes the old one, which stays."""

    class Evidence(models.TextChoices):
        """Where the answer comes from."""

        CALL = "call", _("Call")
        EMAIL = "email", _("E-mail")
        MEETING = "meeting", _("Meeting")
        FORM = "form", _("Form")
        NOTE = "note", _("Note")
        NONE = "none", _("No evidence")

    lead = models.ForeignKey("leads.Lead", on_delete=models.CASCADE, related_name="answers")
    question = models.ForeignKey(Question, on_delete=models.PROTECT, related_name="answers")
    value = models.TextField(_("answer"))
    is_met = models.BooleanField(
        _("speaks for us"), default=True, help_text=_("Off: asked and answered, and it speaks against.")
    )
    evidence = models.CharField(_("evidence"), max_length=8, choices=Evidence, default=Evidence.NONE)
    quote = models.TextField(_("in their words"), blank=True)
    confidence = models.PositiveSmallIntegerField(_("confidence, 1 to 5"), default=3)
    at = models.DateTimeField(_("given"))
    by = models.ForeignKey("leads.User", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    superseded_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["at"]
        constraints = [
            models.UniqueConstraint(
                fields=["lead", "question"],
                condition=Q(superseded_at__isnull=True),
                name="qualification_answer_one_current",
            ),
            models.CheckConstraint(
                condition=Q(confidence__gte=1, confidence__lte=5), name="qualification_answer_confidence"
            ),
        ]

    def __str__(self) -> str:
        return self.value

    def is_stale(self, valid_days: int | None, at: datetime) -> bool:
        """Whether it is too old to be relied on, given for how many days such an answer holds."""
        return valid_days is not None and self.at < at - timedelta(days=valid_days)
