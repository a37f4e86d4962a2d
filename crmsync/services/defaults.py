"""What a fresh installation begins with: the built-in board as its CRM. All of it can be changed."""

from django.db import transaction

from crmsync.models import Connection, LossReasonMap, StageMap
from leads.models import Reason

Meaning = StageMap.Meaning
LOCAL = "local"
STAGES = (
    ("Discovery", Meaning.OPEN),
    ("Demo", Meaning.OPEN),
    ("Proposal", Meaning.OPEN),
    ("Negotiation", Meaning.OPEN),
    ("Won", Meaning.WON),
    ("Lost", Meaning.LOST),
)
# What the CRM is never asked to say: the words for its own silence.
UNSPOKEN = ("unknown_from_crm", "other")


def install_defaults() -> None:
    """Add what is missing; safe to run any number of times, and never changes what somebody has set up.

    The reasons come from qualification's defaults, which therefore have to be there first.
    """
    with transaction.atomic():
        if Connection.objects.exists():
            return
        names = [name for name, _ in STAGES]
        connection = Connection.objects.create(
            slug=LOCAL, name="Board", adapter=LOCAL, mode=Connection.Mode.BOTH, config={"stages": names}
        )
        StageMap.objects.bulk_create(
            StageMap(
                connection=connection, remote=name, meaning=meaning, position=place, is_outbound_default=place == 0
            )
            for place, (name, meaning) in enumerate(STAGES)
        )
        reasons = Reason.objects.filter(kind=Reason.Kind.LOST, is_active=True).exclude(code__in=UNSPOKEN)
        LossReasonMap.objects.bulk_create(
            LossReasonMap(connection=connection, remote=reason.label_en, reason=reason) for reason in reasons
        )
