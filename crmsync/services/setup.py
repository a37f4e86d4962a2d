"""Setting a connection up, step by step; nothing is switched on before somebody has read what it would do."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _

from crmsync.adapters.errors import AdapterError
from crmsync.adapters.registry import adapter_for, opened, setup_of
from crmsync.models import Connection, LossReasonMap, Session, StageMap
from crmsync.services import breaker, schema
from crmsync.services.claim import DEADLINE
from crmsync.services.dry_run import is_reviewed
from crmsync.services.repair import release_held
from leadmgmt.core import secrets
from leadmgmt.core.errors import ConfigurationError, DomainError, InvalidInput
from leadmgmt.core.now import now
from leads.models import Reason

CANARY = 25
HOOKS = "hooks"
# Beyond this the CRM's clock is told as a warning.
MOST_SKEW = timedelta(seconds=60)


class NotReady(DomainError):
    """The connection cannot be switched on yet; the message says what is missing."""

    code = "not_ready"


@dataclass(frozen=True)
class Trial:
    """What a test of the access said."""

    error: str = ""
    account: str = ""
    skew: timedelta = timedelta(0)
    budget: int | None = None
    paused: Mapping[str, str] | None = None

    @property
    def is_skewed(self) -> bool:
        """Whether the CRM's clock is off by more than a minute."""
        return abs(self.skew) > MOST_SKEW


def create_connection(adapter: str) -> Connection:
    """A connection that is off and knows nothing yet. Raises InvalidInput for an adapter that is not there."""
    try:
        setup = setup_of(adapter)
    except ConfigurationError as error:
        raise InvalidInput(str(error), fields={"adapter": _("Choose one of those shown.")}) from error
    taken = set(Connection.objects.values_list("slug", flat=True))
    base = slugify(setup.name) or adapter
    slug = next(one for number in range(1, 1000) if (one := base if number == 1 else f"{base}-{number}") not in taken)
    config: dict[str, Any] = {one.name: one.default for one in setup.settings if one.default and not one.is_secret}
    config |= {"poll_seconds": setup.poll_seconds, "adopt_matches": True}
    name = setup.name if slug == base else f"{setup.name} {slug.rpartition('-')[2]}"
    return Connection.objects.create(slug=slug, name=name, adapter=adapter, mode=Connection.Mode.OFF, config=config)


def kept_secrets(connection: Connection) -> dict[str, Any]:
    """The credentials, opened; none where they cannot be read, as only filling them in again helps then."""
    try:
        return opened(connection)
    except ConfigurationError:
        return {}


def save_access(connection: Connection, name: str, config: Mapping[str, Any], given: Mapping[str, str]) -> None:
    """Settings and credentials; a credential that is left empty stays as it is. The token of before is forgotten."""
    with transaction.atomic():
        one = Connection.objects.select_for_update().get(pk=connection.pk)
        one.name, one.config = name, {**one.config, **config}
        _keep(one, {name: value for name, value in given.items() if value})
        one.save()
        breaker.forget(one.pk)
        Session.objects.filter(connection=one).delete()
    connection.refresh_from_db()


def new_hook_secret(connection: Connection) -> str:
    """A secret for webhooks, returned once; the one before it holds until the next is made."""
    fresh = secrets.new_token("lmshook")
    with transaction.atomic():
        one = Connection.objects.select_for_update().get(pk=connection.pk)
        _keep(one, {HOOKS: [fresh, *kept_secrets(one).get(HOOKS, [])][:2]})
        one.save(update_fields=["secret"])
    connection.refresh_from_db()
    return fresh


def save_hook_secret(connection: Connection, secret: str) -> None:
    """The secret with which the vendor signs (HubSpot: the client secret)."""
    with transaction.atomic():
        one = Connection.objects.select_for_update().get(pk=connection.pk)
        _keep(one, {HOOKS: [secret, *kept_secrets(one).get(HOOKS, [])][:2]})
        one.save(update_fields=["secret"])
    connection.refresh_from_db()


def _keep(connection: Connection, more: Mapping[str, Any]) -> None:
    if more:
        connection.secret = secrets.seal(json.dumps({**kept_secrets(connection), **more}))


def try_out(connection: Connection) -> Trial:
    """Sign in, look at the clock, and read what the CRM says of itself. Writes nothing there."""
    try:
        adapter = adapter_for(connection)
    except ConfigurationError as error:
        return Trial(error=str(error))
    try:
        health = adapter.check(now() + DEADLINE)
        paused = schema.read_schema(connection, adapter)
    except AdapterError as error:
        return Trial(error=f"{type(error).__name__}: {error}")
    finally:
        adapter.close()
    breaker.forget(connection.pk)
    connection.refresh_from_db()
    return Trial(account=health.account_id, skew=health.server_time - now(), budget=health.budget, paused=paused)


def can_prepare(connection: Connection) -> bool:
    """Whether the adapter can make the fields of ours that are missing there."""
    try:
        return hasattr(adapter_for(connection), "prepare")
    except ConfigurationError:
        return False


def prepare(connection: Connection) -> list[str]:
    """Make the fields of ours that are missing in the CRM. Returns their names; raises NotReady."""
    try:
        adapter = adapter_for(connection, with_paused=True)
        made: list[str] = adapter.prepare(now() + DEADLINE)  # type: ignore[attr-defined]  # asked for by can_prepare
        schema.read_schema(connection, adapter)
    except (AdapterError, ConfigurationError) as error:
        raise NotReady(_("The CRM did not make the fields: %(why)s") % {"why": error}) from error
    return made


def save_fields(connection: Connection, chosen: Mapping[str, str]) -> None:
    """Which field of the CRM keeps which of ours; none for an empty name. Raises InvalidInput per field."""
    known = connection.schema.get("fields", {})
    wrong = {
        ours: why
        for ours, theirs in chosen.items()
        if theirs and "." not in theirs and (why := schema.complaint(ours, known.get(theirs)))
    }
    doubled = [theirs for theirs in chosen.values() if theirs and list(chosen.values()).count(theirs) > 1]
    wrong |= {
        ours: _("Two fields of ours cannot share one of theirs.")
        for ours, theirs in chosen.items()
        if theirs in doubled
    }
    if wrong:
        raise InvalidInput(_("Some fields do not fit."), fields=wrong)
    with transaction.atomic():
        one = Connection.objects.select_for_update().get(pk=connection.pk)
        one.config = {**one.config, "fields": {**one.config.get("fields", {}), "deal": dict(chosen)}}
        one.paused_fields = {ours: why for ours, why in one.paused_fields.items() if not chosen.get(ours)}
        # The fields are taken as they are now; the next look begins with that.
        one.schema = {**one.schema, "agreed": {}}
        one.save(update_fields=["config", "paused_fields", "schema"])
    connection.refresh_from_db()
    release_held(connection.pk)


def save_stages(connection: Connection, meanings: Mapping[str, str], first: str) -> None:
    """What each stage of the CRM means; the empty meaning leaves it unmapped, which holds its records.

    Raises InvalidInput where no stage is left for new deals.
    """
    if meanings.get(first) != StageMap.Meaning.OPEN:
        remedy = _("Choose a stage that means “open”.")
        raise InvalidInput(_("New deals need a stage to start in."), fields={"first": remedy})
    with transaction.atomic():
        StageMap.objects.filter(connection=connection).exclude(
            remote__in=[one for one in meanings if meanings[one]]
        ).delete()
        for place, (remote, meaning) in enumerate(meanings.items()):
            if meaning:
                StageMap.objects.update_or_create(
                    connection=connection,
                    remote=remote,
                    defaults={"meaning": meaning, "position": place, "is_outbound_default": remote == first},
                )
    release_held(connection.pk)


def save_reasons(connection: Connection, chosen: Mapping[int, str]) -> None:
    """The CRM's word for each of our loss reasons; none for an empty one. Raises InvalidInput where one is twice."""
    words = [text.strip() for text in chosen.values() if text.strip()]
    wrong = {
        f"reason-{pk}": _("Each of the CRM's reasons can mean one of ours only.")
        for pk, text in chosen.items()
        if text.strip() and words.count(text.strip()) > 1
    }
    if wrong:
        raise InvalidInput(_("A reason is named twice."), fields=wrong)
    known = Reason.objects.filter(kind=Reason.Kind.LOST).in_bulk(list(chosen))
    with transaction.atomic():
        LossReasonMap.objects.filter(connection=connection, reason__in=known).delete()
        LossReasonMap.objects.bulk_create(
            LossReasonMap(connection=connection, remote=chosen[pk].strip(), reason=reason)
            for pk, reason in known.items()
            if chosen[pk].strip()
        )
    release_held(connection.pk)


def lacks(connection: Connection) -> list[str]:
    """What stands between the connection and its being on, in sentences."""
    setup = setup_of(connection.adapter)
    said = []
    missing = setup.missing(connection.config, kept_secrets(connection))
    if missing:
        said.append(_("The access is not complete: %(what)s.") % {"what": ", ".join(str(one.label) for one in missing)})
    elif setup.settings and connection.schema_at is None:
        said.append(_("The access has not been tried."))
    if not connection.stages.filter(meaning=StageMap.Meaning.OPEN, is_outbound_default=True).exists():
        said.append(_("No stage is chosen for new deals."))
    if not connection.stages.filter(meaning=StageMap.Meaning.WON).exists():
        said.append(_("No stage means “won”."))
    if not connection.stages.filter(meaning=StageMap.Meaning.LOST).exists():
        said.append(_("No stage means “lost”."))
    if setup.settings and not is_reviewed(connection):
        said.append(_("Nobody has read a dry run."))
    return said


def switch(connection: Connection, mode: str, *, canary: bool) -> None:
    """Turn it on, off or to one direction; with ``canary`` only the first 25 deals are made. Raises NotReady."""
    if mode not in Connection.Mode.values:
        raise InvalidInput(_("There is no such mode."), fields={"mode": _("Choose one of those shown.")})
    if mode in (Connection.Mode.BOTH, Connection.Mode.PUSH_ONLY) and (missing := lacks(connection)):
        raise NotReady(" ".join(missing))
    Connection.objects.filter(pk=connection.pk).update(mode=mode, canary_left=CANARY if canary else None)
    breaker.forget(connection.pk)
    connection.refresh_from_db()
