"""Views of the queue and of the leads that somebody comes back to."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class SavedView(models.Model):
    """A page with its filters, under a name. One for the team is seen by the owner's team and changed by the owner."""

    class Page(models.TextChoices):
        """Which list it narrows."""

        QUEUE = "queue", _("Queue")
        LEADS = "leads", _("Leads")

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_views")
    page = models.CharField(max_length=5, choices=Page)
    name = models.CharField(_("name"), max_length=40)
    query = models.CharField(max_length=800)
    for_team = models.BooleanField(_("for my team"), default=False)

    class Meta:
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["user", "page", "name"], name="qualification_savedview_one_of_a_name")
        ]

    def __str__(self) -> str:
        return self.name
