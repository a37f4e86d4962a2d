"""Who is kept out: spam, machines, addresses for one day. What is held waits in the quarantine with its reason."""

from django.utils.translation import gettext as _

from leads.channels.base import SetAside
from leads.models import Capture
from leads.normalise import Submission


def trapped() -> SetAside:
    """The verdict on a form whose field that no person sees was filled in."""
    return SetAside(Capture.Status.QUARANTINED, "trap", _("A field that no person sees was filled in."))


def screen(capture: Capture, found: Submission) -> None:
    """Raise SetAside for a submission that is to be held."""
