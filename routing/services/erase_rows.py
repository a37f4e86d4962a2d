"""What routing keeps of a person, emptied: decisions quote what was known of them."""

from django.db.models import Q

from leads.erasure import Sweep, without_person
from leads.services.leftovers import pattern_of
from routing.models import Assignment, Certificate, CreditClaim, LedgerEntry, Notification, WaitingLead


def erase_rows(sweep: Sweep) -> None:
    """Certificates go as a whole, as none may be changed; what was distributed, and to whom, stays in the ledger."""
    mine = Q(lead__in=sweep.subject.leads)
    if pattern := pattern_of(sweep.subject):
        mine |= Q(facts__iregex=pattern)
    certificates = list(Certificate.objects.filter(mine).values_list("pk", flat=True))
    for model in (Assignment, WaitingLead, LedgerEntry):
        model._default_manager.filter(certificate__in=certificates).update(certificate=None)
    # The database lets nobody else delete one.
    Certificate.objects.filter(pk__in=certificates).delete()
    sweep.note("decisions", len(certificates))
    CreditClaim.objects.filter(lead__in=sweep.subject.leads).update(note="", answer="")
    news = list(Notification.objects.filter(lead__in=sweep.subject.leads))
    for one in news:
        one.context, one.error = without_person(one.context), ""
    Notification.objects.bulk_update(news, ["context", "error"], batch_size=500)
    sweep.note("notifications", len(news))
