"""The project package is also an app: it owns the commands and the static files."""

from django.apps import AppConfig


class LeadmgmtConfig(AppConfig):
    """Composition: system checks and the clock's work list."""

    name = "leadmgmt"
    verbose_name = "Leadmgmt"
