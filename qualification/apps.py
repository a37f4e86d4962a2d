"""The qualification app."""

from django.apps import AppConfig


class QualificationConfig(AppConfig):
    """Configuration of the qualification app."""

    name = "qualification"
    verbose_name = "Qualification"
