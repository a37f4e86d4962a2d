"""Publishing: a checked draft becomes the version that decides, in one step."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from leadmgmt.core.errors import DomainError
from leads.models import User
from routing.findings import STOP, findings_of
from routing.models import RuleSet
from routing.services.draft import copy_of, lock_draft
from routing.services.keep import wake_waiting
from routing.services.replays import expect_replayed
from routing.services.seen import expect_draft

Status = RuleSet.Status


class NotPublishable(DomainError):
    """Something has to be mended first."""

    code = "not_publishable"


def publish_rule_set(
    rule_set_id: int, by: User | None, at: datetime, *, seen: str = "", asks_replay: bool = False
) -> RuleSet:
    """Let this draft decide from now on; the version before is kept. Refused while a finding stops it, where it no
    longer says what was seen, and with ``asks_replay`` where what it says was not replayed.

    Everything that waits is tried again at once. Of two who publish at the same moment one is refused.
    """
    with transaction.atomic():
        draft = lock_draft(rule_set_id)
        expect_draft(draft, seen)
        expect_no_stop(draft)
        if asks_replay:
            expect_replayed(draft, at)
        return let_decide(draft, by, at)


def expect_no_stop(rule_set: RuleSet) -> None:
    """Raise NotPublishable while a finding keeps the version from deciding."""
    stops = [finding.title for finding in findings_of(rule_set) if finding.level == STOP]
    if stops:
        raise NotPublishable(_("Publishing waits: %(why)s") % {"why": stops[0]})


def roll_back(version: int, by: User | None, at: datetime) -> RuleSet:
    """Let an earlier version decide again, as a new version with its rules."""
    with transaction.atomic():
        source = RuleSet.objects.filter(version=version).exclude(status=Status.DRAFT).first()
        if source is None:
            raise NotPublishable(_("There is no version %(version)s to go back to.") % {"version": version})
        note = _("Back to version %(version)s") % {"version": version}
        try:
            copy = copy_of(source, status=Status.ARCHIVED, by=by, note=note)
        except IntegrityError:
            raise NotPublishable(_("Somebody else published at the same moment. Look again.")) from None
        return let_decide(copy, by, at)


def let_decide(rule_set: RuleSet, by: User | None, at: datetime) -> RuleSet:
    """Put a locked version in force; what decided, or was tried beside it, is archived. NotPublishable if it lost."""
    others = RuleSet.objects.select_for_update().filter(status__in=[Status.PUBLISHED, Status.CANARY])
    for current in others.exclude(pk=rule_set.pk).order_by("pk"):
        current.status, current.archived_at = Status.ARCHIVED, at
        current.save(update_fields=["status", "archived_at"])
    rule_set.status, rule_set.published_at, rule_set.published_by = Status.PUBLISHED, at, by
    try:
        with transaction.atomic():
            rule_set.save(update_fields=["status", "published_at", "published_by"])
    except IntegrityError:
        raise NotPublishable(_("Somebody else published at the same moment. Look again.")) from None
    wake_waiting(at)
    return rule_set
