"""Reasons that a person gives: of the right kind, in use, with a note that fits."""

from django.utils.translation import gettext as _

from leadmgmt.core.errors import InvalidInput
from leads.models import Reason

LONGEST_NOTE = 500


def chosen_reason(kind: str, code: str, note: str) -> Reason:
    """The active reason of this kind; raises InvalidInput naming the field."""
    reason = Reason.objects.filter(kind=kind, code=code, is_active=True).first()
    if reason is None:
        raise InvalidInput(_("Choose a reason from the list."), fields={"reason": _("Choose a reason from the list.")})
    if len(note) > LONGEST_NOTE:
        remedy = _("Write at most %(most)s characters.") % {"most": LONGEST_NOTE}
        raise InvalidInput(_("The note is too long."), fields={"note": remedy})
    return reason
