"""The crmsync app."""

from django.apps import AppConfig


class CrmsyncConfig(AppConfig):
    """Configuration of the crmsync app."""

    name = "crmsync"
    verbose_name = "CRM"

    def ready(self) -> None:
        """Register what the clock does for this app, and how its news are worded."""
        from crmsync import due, notices
        from crmsync.facts import DEALS
        from crmsync.services.alerts import watch
        from crmsync.services.convert import nudge_asked, nudge_waiting
        from crmsync.services.drift import compare_due
        from crmsync.services.erase_rows import erase_rows
        from crmsync.services.handoff import remind_late
        from crmsync.services.opt_outs import tell_late
        from crmsync.services.retention import forget_old
        from leadmgmt.core.clock import register
        from leads.erasure import register_eraser
        from leads.facts import register_family

        register_family(DEALS)
        register_eraser(erase_rows)
        notices.register()
        register("crm push", due.push_due, every=2)
        register("crm pull", due.pull_due, every=5)
        register("crm hints", due.hints_due, every=1)
        register("crm inbox", due.apply_due, every=5)
        register("handoffs that nobody decided", remind_late, every=60)
        register("crm alerts", watch, every=60)
        register("crm opt-outs", tell_late, every=30)
        register("crm reconcile", compare_due, every=600)
        register("crm states of long ago", forget_old, every=3600)
        register("conversions that wait for an AE", nudge_waiting, every=30)
        register("conversions that an open deal held up", nudge_asked, every=60)
