"""The qualification app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from leadmgmt.core.clock import register


class QualificationConfig(AppConfig):
    """Configuration of the qualification app."""

    name = "qualification"
    verbose_name = _("Qualification")

    def ready(self) -> None:
        """Add our facts, hear of mails, and tell the clock what is due."""
        from anymail.signals import tracking

        from leads.erasure import register_eraser
        from leads.facts import register_family
        from qualification.answer_facts import ANSWERS
        from qualification.services.cadences_due import cadences_due
        from qualification.services.erase_rows import erase_rows
        from qualification.services.icp import icp_due
        from qualification.services.mail import mails_due
        from qualification.services.mail_news import take_in
        from qualification.services.nurture import wake_due
        from qualification.services.nurture_mails import nurture_due
        from qualification.services.rescoring import nudge_rescoring
        from qualification.services.score import fade_due
        from qualification.services.training_runs import runs_due
        from qualification.services.viewing import forget_viewings
        from qualification.share_facts import SHARE

        register_family(ANSWERS)
        register_family(SHARE)
        register_eraser(erase_rows)
        register("qualification.wake_due", wake_due, every=5.0)
        register("qualification.rescoring", nudge_rescoring, every=30.0)
        register("qualification.training", runs_due, every=600.0)
        register("qualification.cadences", cadences_due, every=10.0)
        register("qualification.nurture", nurture_due, every=60.0)
        register("qualification.mail", mails_due, every=1.0)
        # Kept here, or the receiver would be gone with its last reference.
        self.mail_news = lambda sender, event, **more: take_in(event)
        tracking.connect(self.mail_news, dispatch_uid="qualification.mail_news")
        register("qualification.icp", icp_due, every=3600.0)
        register("qualification.fade_due", fade_due, every=60.0)
        register("qualification.forget_viewings", forget_viewings, every=600.0)
