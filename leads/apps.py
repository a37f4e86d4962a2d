"""The leads app."""

from django.apps import AppConfig

from leadmgmt.core.clock import register


class LeadsConfig(AppConfig):
    """Configuration of the leads app."""

    name = "leads"
    verbose_name = "Leads"

    def ready(self) -> None:
        """Tell the clock what is due."""
        from leads.erasure import register_eraser
        from leads.services.capture import process_waiting
        from leads.services.confirmation import send_waiting
        from leads.services.enrich import close_due_rounds
        from leads.services.erase_rows import erase_rows
        from leads.services.imports import nudge_lost
        from leads.services.mailbox import poll_due
        from leads.services.quarantine import confirm_old
        from leads.services.record_answer import nudge_requests
        from leads.services.source_governance import gather_late

        register_eraser(erase_rows)
        register("leads.captures", process_waiting)
        register("leads.mailboxes", poll_due, every=10.0)
        register("leads.confirmations", send_waiting, every=5.0)
        register("leads.lost_imports", nudge_lost, every=30.0)
        register("leads.old_quarantine", confirm_old, every=3600.0)
        register("leads.late_sources", gather_late, every=60.0)
        register("leads.enrichment_rounds", close_due_rounds)
        register("leads.enrichment_requests", nudge_requests)
