"""The project package is also an app: it owns the commands and the static files."""

from django.apps import AppConfig

from leadmgmt import checks


class LeadmgmtConfig(AppConfig):
    """Composition: system checks and the clock's work list."""

    name = "leadmgmt"
    verbose_name = "Leadmgmt"

    def ready(self) -> None:
        """Register what Django and the clock shall run."""
        # Models are not there before ready.
        from leadmgmt import channel_watch, report_notices
        from leadmgmt.core.clock import register
        from leadmgmt.core.queue import forget_failures
        from leadmgmt.pipeline import nudge_forgotten
        from leadmgmt.reports import leak_history, words
        from leadmgmt.reports.subscriptions import send_due
        from leadmgmt.row_names import name_rows

        checks.register_all()
        words.register_all()
        report_notices.register()
        name_rows()
        channel_watch.register_all()
        register("leadmgmt.forgotten_steps", nudge_forgotten)
        register("leadmgmt.channels", channel_watch.watch_channels, every=60.0)
        register("leadmgmt.leaks", leak_history.nudge_leaks, every=leak_history.EVERY)
        register("leadmgmt.reports_by_mail", send_due, every=60.0)
        register("leadmgmt.old_failures", forget_failures, every=3600.0)
