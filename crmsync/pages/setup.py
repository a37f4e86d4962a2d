"""The page on which a connection is set up: one step after another, each with how it stands."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.forms import BaseForm
from django.urls import reverse
from django.utils.translation import gettext as _

from crmsync.adapters.base import DEAL
from crmsync.adapters.registry import adapter_for, setup_of
from crmsync.adapters.setup import Setup
from crmsync.models import Connection, DryRun, Link
from crmsync.services import setup as service
from crmsync.services.backfill import filling, missing
from crmsync.services.schema import family, kind_names, unmapped_stages
from crmsync.setup_forms import AccessForm, FieldsForm, ReasonsForm, StagesForm
from leadmgmt.core.errors import ConfigurationError

MOST_CANARIES = 25
SIGNED = ("hubspot",)


@dataclass(frozen=True)
class Hook:
    """Where the CRM is to call us."""

    address: str
    has_secret: bool
    is_signed: bool
    fresh: str = ""


@dataclass(frozen=True)
class SetupPage:
    """All that the page shows."""

    connection: Connection
    setup: Setup
    access: AccessForm
    fields: FieldsForm
    stages: StagesForm
    reasons: ReasonsForm
    remote_fields: list[tuple[str, str]]
    remote_reasons: list[str]
    unmapped: list[str]
    paused: dict[str, str]
    lacks: list[str]
    run: DryRun | None
    canaries: list[Link]
    missing: int
    filling: int
    hook: Hook | None
    can_prepare: bool
    can_sign_in: bool
    is_signed_in: bool
    trial: service.Trial | None = None

    @property
    def states(self) -> dict[str, str]:
        """Step → good, warn or todo."""
        is_open = not self.setup.missing(self.connection.config, service.kept_secrets(self.connection))
        tried = is_open and (self.connection.schema_at is not None or not self.setup.settings)
        first = any(one.is_outbound_default for one in self.connection.stages.all())
        reviewed = self.run is not None and self.run.reviewed_at is not None
        return {
            "access": "good" if tried else "warn" if is_open else "todo",
            "fields": "warn" if self.paused else "good" if tried else "todo",
            "stages": "warn" if first and self.unmapped else "good" if first else "todo",
            "reasons": "good" if self.connection.loss_reasons.exists() else "todo",
            "dry_run": "good" if reviewed or not self.setup.settings else "todo",
            "on": "good" if self.connection.mode in _RUNNING else "todo",
        }


def setup_page(connection: Connection, *, fresh: str = "", trial: Any = None, **given: BaseForm) -> SetupPage:
    """Gather it; ``given`` are forms that were sent and have something to say."""
    setup = setup_of(connection.adapter)
    kept = service.kept_secrets(connection)
    mapped, can = _adapter(connection)
    known = connection.schema.get("fields", {})
    names = kind_names()
    sign_in = setup.sign_in
    forms: dict[str, Any] = {
        "access": AccessForm(connection=connection, setup=setup, kept=kept),
        "fields": FieldsForm(connection=connection, mapped=mapped),
        "stages": StagesForm(connection=connection),
        "reasons": ReasonsForm(connection=connection),
    } | given
    return SetupPage(
        connection=connection,
        setup=setup,
        **forms,
        remote_fields=[(name, names[family(one["type"])]) for name, one in sorted(known.items())],
        remote_reasons=known.get(mapped.get("lost_reason", ""), {}).get("options", []),
        unmapped=unmapped_stages(connection),
        paused=connection.paused_fields,
        lacks=service.lacks(connection),
        run=DryRun.objects.filter(connection=connection).select_related("reviewed_by").first(),
        canaries=_canaries(connection),
        missing=missing(connection) if connection.mode in _PUSHING else 0,
        filling=filling(connection),
        hook=_hook(connection, kept, fresh) if can and can.webhooks and setup.settings else None,
        can_prepare=service.can_prepare(connection),
        can_sign_in=sign_in is not None and connection.config.get("flow") == sign_in.flow,
        is_signed_in=bool(kept.get("refresh_token")),
        trial=trial,
    )


_PUSHING = (Connection.Mode.BOTH, Connection.Mode.PUSH_ONLY)
_RUNNING = (*_PUSHING, Connection.Mode.PULL_ONLY)


def _canaries(connection: Connection) -> list[Link]:
    found = Link.objects.filter(connection=connection, is_canary=True).select_related("opportunity")
    return list(found.order_by("-synced_at")[:MOST_CANARIES])


def _adapter(connection: Connection) -> tuple[dict[str, str], Any]:
    try:
        adapter = adapter_for(connection)
    except ConfigurationError:
        return {}, None
    return dict(adapter.fields(DEAL)), adapter.capabilities()


def _hook(connection: Connection, kept: dict[str, Any], fresh: str) -> Hook:
    is_signed = connection.adapter in SIGNED
    path = reverse("api:crm_hook", args=[connection.slug])
    if not is_signed:
        path += (fresh or "…") + "/"
    return Hook(f"{settings.PUBLIC_URL}{path}", bool(kept.get(service.HOOKS)), is_signed, fresh)


def step_names() -> dict[str, str]:
    """The steps in words."""
    return {
        "access": _("Access"),
        "fields": _("Fields"),
        "stages": _("Stages"),
        "reasons": _("Loss reasons"),
        "dry_run": _("Dry run"),
        "on": _("Switch on"),
    }
