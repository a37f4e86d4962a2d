"""The crmsync app."""

from django.apps import AppConfig


class CrmsyncConfig(AppConfig):
    """Configuration of the crmsync app."""

    name = "crmsync"
    verbose_name = "CRM"
