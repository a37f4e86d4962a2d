"""What a person decides about a deal that stands apart from its record (CRM_CONTRACT 10): nothing goes by itself."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, models, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crmsync.adapters.base import DEAL
from crmsync.adapters.errors import AdapterError
from crmsync.adapters.registry import adapter_for
from crmsync.fields import ALL_FIELDS
from crmsync.models import AuditRow, Joined, Link, Opportunity, OutboxEntry
from crmsync.services.adopt import NotThere
from crmsync.services.apart import TOGETHER
from crmsync.services.claim import DEADLINE
from crmsync.services.joining import JOINED, TOLD
from crmsync.services.outbox import PUSH, STAGE, record_change, record_for
from crmsync.services.outcome import lose, withdraw_offer
from crmsync.services.plan import CLOSING
from crmsync.services.pull import read_record
from crmsync.services.repair import retry_entries
from leadmgmt.core.errors import InvalidInput
from leadmgmt.core.now import now
from leadmgmt.core.tasks import enqueue
from leads.events import record_event
from leads.models import Lead, Reason, Stage, User
from qualification.services.reasons import chosen_reason

EVENT = "opportunity.reunited"
# Never offered to anybody: it says why a deal of ours is closed that no customer turned down.
ONE_DEAL = "one-deal"
AS_ONE = {"label_en": "Same deal as another", "label_de": "Derselbe Deal wie ein anderer", "is_active": False}
Out = OutboxEntry.State
FRESH: dict[str, Any] = {
    "shadow": {},
    "remote_version": "",
    "remote_modified_at": None,
    "is_associated": False,
    "unsettled_until": None,
    "unsettled_values": "",
    "unsettled_tries": 0,
}


class Decision(models.TextChoices):
    """What may become of it."""

    LOOK = "look", gettext_lazy("Look again")
    FOLLOW = "follow", gettext_lazy("Go on with that record")
    ONE = "one", gettext_lazy("They are one deal")
    RESUME = "resume", gettext_lazy("Let it go on")
    AGAIN = "again", gettext_lazy("Make it again in the CRM")
    CLOSE = "close", gettext_lazy("Close it here as lost")
    KEEP = "keep", gettext_lazy("Keep it as it is")


def choices_for(link: Link, twin: Link | None) -> list[Decision]:
    """What a person can decide about it, the likeliest first. ``twin``: our deal that it was merged into."""
    if link.apart_at is None or link.kept_at is not None:
        return []
    if link.state == Link.State.QUARANTINED:
        return [Decision.RESUME, Decision.KEEP]
    if link.state == Link.State.MERGED:
        first = Decision.ONE if twin else Decision.FOLLOW
        return [first, Decision.AGAIN, Decision.CLOSE, Decision.KEEP]
    return [Decision.LOOK, Decision.AGAIN, Decision.CLOSE, Decision.KEEP]


def twin_of(link: Link) -> Link | None:
    """The deal of ours whose record this one's was merged into."""
    return twins_of([link]).get(link.pk)


def twins_of(links: Sequence[Link]) -> dict[int, Link]:
    """The same for several links at once, by the link's number."""
    merged = {one.pk: (one.connection_id, one.merged_into) for one in links if one.merged_into}
    named = Link.objects.filter(remote_id__in=[into for _crm, into in merged.values()])
    there = {(one.connection_id, one.remote_id): one for one in named.select_related("opportunity__owner")}
    found = {pk: there.get(key) for pk, key in merged.items()}
    return {pk: twin for pk, twin in found.items() if twin is not None and twin.pk != pk}


def decide(link_id: int, what: str, *, by: User, reason: str = "", at: datetime | None = None) -> str:
    """Carry out what a person says. Returns what came of it, in a sentence for them.

    ``reason``: the code of a reason of kind `lost`, for CLOSE. Raises NotThere where it cannot be done by now, and
    InvalidInput naming the field; nothing has changed then.
    """
    at = at or now()
    link = Link.objects.select_related("connection", "opportunity__lead", "opportunity__owner").get(pk=link_id)
    if what not in choices_for(link, twin_of(link)):
        raise NotThere(_("Somebody has decided about this deal already. Nothing was changed."))
    decision = Decision(what)
    if decision is Decision.LOOK:
        return _look(link)
    chosen = chosen_reason(Reason.Kind.LOST, reason, "") if decision is Decision.CLOSE else None
    if decision is Decision.AGAIN:
        _refuse_second_record(link)
    try:
        with transaction.atomic():
            link = _locked(link)
            if what not in choices_for(link, twin_of(link)):
                raise NotThere(_("Somebody has decided about this deal already. Nothing was changed."))
            said = _CARRY_OUT[decision](link, by, at, chosen)
            _write_down(link, decision, by, at)
    except IntegrityError as error:
        raise NotThere(_("Another deal is linked to this record already.")) from error
    return said


def _locked(link: Link) -> Link:
    """The link again with lead, opportunity and link locked in that order; those of the deal it was merged into too."""
    twin = twin_of(link)
    deals = [link.opportunity_id, *([twin.opportunity_id] if twin else [])]
    leads = Opportunity.objects.filter(pk__in=deals).values_list("lead", flat=True)
    list(Lead.objects.lock().filter(pk__in=list(leads)).order_by("pk"))
    list(Opportunity.objects.select_for_update().filter(pk__in=deals).order_by("pk"))
    Link.objects.select_for_update().get(pk=link.pk)
    return Link.objects.select_related("connection", "opportunity__lead", "opportunity__owner").get(pk=link.pk)


def _look(link: Link) -> str:
    adapter = adapter_for(link.connection)
    try:
        read_record(link.connection, adapter, link.remote_id or "", via="reconcile")
    except AdapterError as error:
        raise NotThere(_("The CRM gives no answer: %(why)s") % {"why": error}) from error
    finally:
        adapter.close()
    link.refresh_from_db()
    if link.apart_at is not None:
        return _("Nothing new: %(state)s.") % {"state": link.get_state_display()}
    _go_on(link, None, now())
    return _("It is there again and goes on.")


def _refuse_second_record(link: Link) -> None:
    """Whoever has our key there already would be overwritten by a new record's values."""
    adapter = adapter_for(link.connection)
    try:
        found = [one for one in adapter.find_by_key(DEAL, link.external_key, now() + DEADLINE) if not one.deleted]
    except AdapterError as error:
        raise NotThere(_("The CRM gives no answer: %(why)s") % {"why": error}) from error
    finally:
        adapter.close()
    if found:
        words = {"id": found[0].remote_id}
        raise NotThere(_("The record %(id)s there carries this deal's key: go on with it instead.") % words)


def _follow(link: Link, by: User, at: datetime, _reason: Reason | None) -> str:
    there = {"remote_id": link.merged_into, "state": Link.State.LINKED, "has_key": False}
    Link.objects.filter(pk=link.pk).update(**there, **FRESH, **TOGETHER)
    _go_on(link, by, at)
    return _("It goes on with that record; what people wrote there stays.")


def _again(link: Link, by: User, at: datetime, _reason: Reason | None) -> str:
    anew: dict[str, Any] = {
        "remote_id": None,
        "state": Link.State.PENDING,
        "has_key": True,
        "left_alone": [],
        "opt_outs": [],
    }
    Link.objects.filter(pk=link.pk).update(**anew, **FRESH, **TOGETHER)
    _go_on(link, by, at)
    return _("It is being made again.")


def _resume(link: Link, by: User, at: datetime, _reason: Reason | None) -> str:
    state = Link.State.LINKED if link.remote_id else Link.State.PENDING
    Link.objects.filter(pk=link.pk).update(state=state, **TOGETHER)
    _go_on(link, by, at)
    return _("It goes on.")


def _keep(link: Link, by: User, at: datetime, _reason: Reason | None) -> str:
    Link.objects.filter(pk=link.pk).update(kept_at=at)
    _let_rest(link, at)
    return _("It stays as it is; nothing is sent for it any more.")


def _close(link: Link, by: User, at: datetime, reason: Reason | None) -> str:
    if reason is None:
        raise InvalidInput(_("Choose a reason from the list."), fields={"reason": _("Choose a reason from the list.")})
    opportunity = link.opportunity
    if opportunity.stage != Opportunity.Stage.OPEN:
        raise NotThere(_("That deal is over by now. Nothing was changed."))
    _keep(link, by, at, None)
    lose(opportunity, reason, by=by, at=at)
    record_change(opportunity, CLOSING, at=at, op=STAGE, origin=link.connection)
    return _("It is closed here as lost.")


def _one(link: Link, by: User, at: datetime, _reason: Reason | None) -> str:
    """The lead, and whoever had joined it, go into the other deal; ours is closed without having been lost."""
    twin = twin_of(link)
    if twin is None or twin.opportunity.stage != Opportunity.Stage.OPEN:
        raise NotThere(_("That deal is over by now. Nothing was changed."))
    ours, theirs, lead = link.opportunity, twin.opportunity, link.opportunity.lead
    ours.loss_reason = Reason.objects.get_or_create(kind=Reason.Kind.LOST, code=ONE_DEAL, defaults=AS_ONE)[0]
    ours.stage, ours.closed_at = Opportunity.Stage.LOST, at
    ours.save(update_fields=["stage", "closed_at", "loss_reason"])
    withdraw_offer(ours, at)
    _keep(link, by, at, None)
    Joined.objects.filter(opportunity=ours, left_at=None).update(opportunity=theirs)
    if lead.stage == Stage.OPPORTUNITY:
        Joined.objects.create(opportunity=theirs, lead=lead, sdr=ours.qualified_by, joined_at=at)
        Lead.objects.filter(pk=lead.pk).update(ae=theirs.owner)
        told = {"opportunity": str(theirs.uuid), "name": theirs.name, "ae_name": str(theirs.owner or "")}
        record_event(lead, JOINED, at=at, actor=by, data=told)
    Link.objects.filter(opportunity=theirs).update(is_associated=False)
    record_change(theirs, TOLD, at=at)
    retry_entries(_stopped(twin), by=by, at=at)
    return _("They are one deal now: %(name)s.") % {"name": theirs.name}


_CARRY_OUT: dict[Decision, Callable[[Link, User, datetime, Reason | None], str]] = {
    Decision.FOLLOW: _follow,
    Decision.ONE: _one,
    Decision.RESUME: _resume,
    Decision.AGAIN: _again,
    Decision.CLOSE: _close,
    Decision.KEEP: _keep,
}


def _stopped(link: Link) -> list[int]:
    stopped = OutboxEntry.objects.filter(connection=link.connection_id, opportunity=link.opportunity_id)
    return list(stopped.filter(state__in=[Out.DEAD, Out.WAITING]).values_list("pk", flat=True))


def _go_on(link: Link, by: User | None, at: datetime) -> None:
    """Send what was stopped, or all there is to say."""
    if waiting := _stopped(link):
        retry_entries(waiting, by=by, at=at)
    else:
        record_for(link.connection, link.opportunity, ALL_FIELDS, at=at)
    enqueue(PUSH, link.connection_id)
    # The deal that this one was merged into waited for the decision.
    if link.state == Link.State.MERGED and (twin := twin_of(link)):
        retry_entries(_stopped(twin), by=by, at=at)


def _let_rest(link: Link, at: datetime) -> None:
    """What was stopped is not sent any more; what another deal of ours waited for is decided."""
    stopped = OutboxEntry.objects.filter(pk__in=_stopped(link))
    stopped.update(state=Out.SUPERSEDED, done_at=at, error_class="Kept")
    if link.state == Link.State.MERGED and (twin := twin_of(link)):
        retry_entries(_stopped(twin), by=None, at=at)


def _write_down(link: Link, decision: Decision, by: User, at: datetime) -> None:
    AuditRow.objects.create(
        connection=link.connection,
        link=link,
        at=at,
        direction="push",
        verdict="decided",
        rule="a person",
        changes={"decision": decision.value, "state": str(link.state), "into": link.merged_into},
        actor=f"user:{by.pk}",
    )
    data = {"opportunity": str(link.opportunity.uuid), "crm": link.connection.name, "decision": decision.value}
    record_event(link.opportunity.lead, EVENT, at=at, actor=by, data=data)
