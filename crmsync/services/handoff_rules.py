"""How handoffs go: what the organisation has set, and the rules that name AEs for a segment."""

from collections.abc import Sequence

from django.db import transaction
from django.utils.translation import gettext as _

from crmsync.models import HandoffRule
from leadmgmt.core.errors import InvalidInput
from leadmgmt.core.permissions import AE
from leads.models import Organisation, User
from leads.models.organisation import Joining
from qualification.models import Segment

MOST_HOURS = 200


def save_settings(joins_deals: str, decide_hours: int | None) -> None:
    """Write both. Raises InvalidInput naming the field."""
    wrong = {}
    if joins_deals not in Joining.values:
        wrong["joins_deals"] = _("Choose one of those shown.")
    if decide_hours is None or not 1 <= decide_hours <= MOST_HOURS:
        wrong["decide_hours"] = _("Write a number from 1 to %(most)d.") % {"most": MOST_HOURS}
    if wrong:
        raise InvalidInput(_("Some of it cannot be used."), fields=wrong)
    Organisation.objects.update(joins_deals=joins_deals, decide_hours=decide_hours)


def add_rule(segment_id: int | None, people: Sequence[int]) -> HandoffRule:
    """A rule behind those that are there. Raises InvalidInput naming the field."""
    segment = Segment.objects.filter(pk=segment_id).first() if segment_id else None
    chosen = list(User.objects.filter(pk__in=people, is_active=True, groups__name=AE))
    wrong = {} if segment else {"segment": _("Choose a segment.")}
    if not chosen:
        wrong["people"] = _("Choose at least one AE.")
    if segment is None or wrong:
        raise InvalidInput(_("The rule is not complete."), fields=wrong)
    with transaction.atomic():
        rules = list(HandoffRule.objects.select_for_update().order_by("position", "pk"))
        rule = HandoffRule.objects.create(segment=segment, position=rules[-1].position + 1 if rules else 1)
        rule.people.set(chosen)
    return rule


def move_rule(rule_id: int, step: int) -> None:
    """One place up (-1) or down (1); at the end nothing changes."""
    with transaction.atomic():
        rules = list(HandoffRule.objects.select_for_update().order_by("position", "pk"))
        here = next((place for place, rule in enumerate(rules) if rule.pk == rule_id), None)
        if here is None or not 0 <= here + step < len(rules):
            return
        rules[here], rules[here + step] = rules[here + step], rules[here]
        for place, rule in enumerate(rules, 1):
            rule.position = place
        HandoffRule.objects.bulk_update(rules, ["position"])
