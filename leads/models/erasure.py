"""People who were erased: that it happened, what it came to, what others still have to do. Nothing of who they were."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Erasure(models.Model):
    """One person erased. ``told``: area → how many rows were emptied there."""

    at = models.DateTimeField(_("erased"))
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    told = models.JSONField(default=dict)

    class Meta:
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"Erasure {self.pk}"


class ErasedKey(models.Model):
    """What an erased person was matched by, as a keyed hash: enough to know them again, not to find them."""

    erasure = models.ForeignKey(Erasure, on_delete=models.CASCADE, related_name="keys")
    key_hash = models.CharField(max_length=64, unique=True)

    def __str__(self) -> str:
        return self.key_hash[:12]


class ErasureTask(models.Model):
    """What somebody else still keeps of an erased person, until it is gone there too."""

    class State(models.TextChoices):
        """How far it has come."""

        OPEN = "open", _("To be done by a person")
        DONE = "done", _("Done")

    erasure = models.ForeignKey(Erasure, on_delete=models.CASCADE, related_name="tasks")
    system = models.CharField(_("where"), max_length=120)
    what = models.CharField(_("what"), max_length=200, help_text=_("A kind of record and its id there, never a name."))
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.OPEN)
    done_at = models.DateTimeField(null=True, blank=True)
    done_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ["pk"]
        indexes = [models.Index(fields=["erasure"], condition=~Q(state="done"), name="leads_erasuretask_open")]
        constraints = [
            models.CheckConstraint(
                condition=Q(state="done", done_at__isnull=False) | (~Q(state="done") & Q(done_at__isnull=True)),
                name="leads_erasuretask_done_when",
            )
        ]

    def __str__(self) -> str:
        return f"{self.system}: {self.what}"
