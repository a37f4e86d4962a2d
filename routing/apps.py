"""The routing app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class RoutingConfig(AppConfig):
    """Configuration of the routing app."""

    name = "routing"
    verbose_name = _("Routing")

    def ready(self) -> None:
        """Put the timed work on the clock's list."""
        from leadmgmt.core import clock
        from leads import promises
        from leads.erasure import register_eraser
        from routing.services.absences import hand_over_due
        from routing.services.attempts import attempts_due
        from routing.services.canary import guard_canary
        from routing.services.deliver import send_digests, send_waiting
        from routing.services.erase_rows import erase_rows
        from routing.services.form_promise import form_promise
        from routing.services.replays import nudge_replays
        from routing.services.sla import acknowledge_due, breach_due, escalate_due, reassign_due, remind_due
        from routing.services.waiting import retry_waiting

        promises.register(form_promise)
        register_eraser(erase_rows)
        clock.register("routing.sla_breaches", breach_due)
        clock.register("routing.sla_reminders", remind_due, every=10.0)
        clock.register("routing.acknowledgements", acknowledge_due, every=5.0)
        clock.register("routing.attempts", attempts_due, every=30.0)
        clock.register("routing.escalations", escalate_due, every=10.0)
        clock.register("routing.reassignments", reassign_due, every=10.0)
        clock.register("routing.waiting_room", retry_waiting)
        clock.register("routing.absences", hand_over_due, every=10.0)
        clock.register("routing.canary", guard_canary, every=30.0)
        clock.register("routing.replays", nudge_replays, every=30.0)
        clock.register("routing.digests", send_digests, every=30.0)
        clock.register("routing.mail", send_waiting, every=5.0)
