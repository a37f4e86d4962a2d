"""Segments: named groups of leads, described once, used by questions and by steps of cadences."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Segment(models.Model):
    """Leads of one kind, such as "DACH, from 200 people up": whoever the condition holds for."""

    name = models.CharField(_("name"), max_length=80, unique=True)
    condition = models.JSONField(_("leads that"), default=dict, blank=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
