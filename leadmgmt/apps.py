"""The project package is also an app: it owns the commands and the static files."""

from django.apps import AppConfig

from leadmgmt import checks


class LeadmgmtConfig(AppConfig):
    """Composition: system checks and the clock's work list."""

    name = "leadmgmt"
    verbose_name = "Leadmgmt"

    def ready(self) -> None:
        """Register what Django and the clock shall run."""
        from leadmgmt.reports import words  # models are not there before ready

        checks.register_all()
        words.register_all()
