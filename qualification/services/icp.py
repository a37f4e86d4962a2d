"""The ideal customer profile, learned from won against lost deals and adopted into the fit score by a person."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from leadmgmt.core.errors import DomainError
from leads.facts import fact_named, listed_facts
from leads.models import Lead, User
from qualification.icp import Deal, traits_of
from qualification.models import IcpVersion, Outcome, ScoringModel
from qualification.scoring import read_model
from qualification.services.rescoring import begin_rescoring
from qualification.services.score import compiled, publish_model
from qualification.services.trial_scores import Comparison, compare_leads
from qualification.services.versions import next_version

Status = IcpVersion.Status
MOST_DEALS = 12_000
LEAST_WINS, LEAST_LOSSES = 20, 20
GROUP = "icp"
MOST_POINTS = 30
MOST_OPEN = 2_000
EVERY = timedelta(days=7)


class NotEnoughDeals(DomainError):
    """Too few deals have ended to learn from."""

    code = "not_enough_deals"


def deals_ended() -> list[Deal]:
    """The newest deals, won or lost."""
    rows = Outcome.objects.filter(kind__in=[Outcome.Kind.WON, Outcome.Kind.LOST]).exclude(facts={})
    newest = rows.order_by("-at", "-pk").values_list("kind", "reason", "facts")[:MOST_DEALS]
    return [Deal(kind == Outcome.Kind.WON, reason, facts) for kind, reason, facts in newest]


def learn_icp(at: datetime) -> IcpVersion:
    """A proposal learned from the deals that ended until now; it takes the place of the proposal before. Raises
    NotEnoughDeals."""
    deals = deals_ended()
    wins = sum(deal.is_won for deal in deals)
    if wins < LEAST_WINS or len(deals) - wins < LEAST_LOSSES:
        words = {"wins": wins, "losses": len(deals) - wins, "least": LEAST_WINS}
        raise NotEnoughDeals(_("Not enough: %(wins)s won and %(losses)s lost deals of %(least)s each.") % words)
    traits = traits_of(deals, {fact.name: fact.kind for fact in listed_facts()})
    with transaction.atomic():
        rows = IcpVersion.objects.select_for_update().order_by("pk")
        list(rows.values_list("pk", flat=True))
        IcpVersion.objects.filter(status=Status.PROPOSED).update(status=Status.ARCHIVED)
        version = next_version(IcpVersion.objects.all())
        return IcpVersion.objects.create(
            version=version, made_at=at, wins=wins, losses=len(deals) - wins, traits=traits
        )


def rules_of(icp: IcpVersion) -> list[dict[str, Any]]:
    """The rules of fit that a version stands for: one for each sure trait."""
    rules = []
    for place, trait in enumerate(one for one in icp.traits if one["is_sure"] and one["points"]):
        fact = fact_named(trait["fact"])
        names = {language: fact.label(language) if fact else trait["fact"] for language in ("en", "de")}
        labels = {f"label_{one}": f"ICP: {name} {trait['value']}".strip()[:120] for one, name in names.items()}
        rule = {"key": f"icp-{icp.version}-{place + 1}", **labels, "part": "fit", "points": trait["points"]}
        rules.append(rule | {"condition": trait["condition"], "group": GROUP})
    return rules


def with_icp(model: ScoringModel, icp: IcpVersion) -> ScoringModel:
    """The scoring model with this profile's rules in place of those of the profile before; not saved."""
    group = {"key": GROUP, "label_en": "Ideal customer profile", "label_de": "Wunschkundenprofil", "most": MOST_POINTS}
    rules = [rule for rule in model.rules if rule.get("group") != GROUP] + rules_of(icp)
    groups = [one for one in model.groups if one["key"] != GROUP] + [group]
    return ScoringModel(rules=rules, groups=groups, half_life_days=model.half_life_days)


def effect_of(icp: IcpVersion, at: datetime) -> Comparison | None:
    """What adopting it would do to the grades of open leads; None while nothing is scored."""
    model = ScoringModel.objects.filter(status=ScoringModel.Status.PUBLISHED).first()
    if model is None:
        return None
    newest = Lead.objects.open().order_by("-captured_at", "-pk").values_list("pk", flat=True)[: MOST_OPEN + 1]
    ids = list(newest)
    after = compiled(with_icp(model, icp))
    return compare_leads(ids[:MOST_OPEN], compiled(model), after, is_sample=len(ids) > MOST_OPEN)


def adopt_icp(icp_id: int, *, by: User | None, at: datetime) -> ScoringModel:
    """Score by this profile from now on: a new version of the scoring, every open lead scored anew. Raises DomainError
    where there is nothing to adopt."""
    with transaction.atomic():
        icp = IcpVersion.objects.select_for_update().filter(pk=icp_id).first()
        models = {row.status: row for row in ScoringModel.objects.select_for_update().order_by("version")}
        model = models.get(ScoringModel.Status.PUBLISHED)
        if icp is None or icp.status == Status.ADOPTED or model is None:
            raise DomainError(_("This profile is adopted already, or nothing is scored yet."))
        made = with_icp(model, icp)
        read_model(made.rules, made.half_life_days, made.groups)
        made.version = next_version(ScoringModel.objects.all())
        made.note = _("Ideal customer profile %(version)s") % {"version": icp.version}
        made.save()
        if draft := models.get(ScoringModel.Status.DRAFT):
            # Whoever works on a draft does not take the profile out again by publishing it.
            changed = with_icp(draft, icp)
            draft.rules, draft.groups = changed.rules, changed.groups
            draft.save(update_fields=["rules", "groups"])
        publish_model(made.pk, by)
        IcpVersion.objects.filter(status=Status.ADOPTED).update(status=Status.ARCHIVED)
        icp.status, icp.adopted_at, icp.adopted_by, icp.scoring = Status.ADOPTED, at, by, made
        icp.save(update_fields=["status", "adopted_at", "adopted_by", "scoring"])
        begin_rescoring(made, at)
    return made


@dataclass(frozen=True)
class Drifted:
    """A trait that is another one than in the profile that is adopted: ``was`` and ``now`` are points (0: not sure)."""

    fact: str
    value: str
    was: int
    now: int


def drift_of(adopted: IcpVersion, proposed: IcpVersion) -> list[Drifted]:
    """The traits that have become sure, are sure no longer, or have turned round."""
    old, new = _sure(adopted), _sure(proposed)
    return [
        Drifted(*key, old.get(key, 0), new.get(key, 0))
        for key in sorted({*old, *new})
        if (old.get(key, 0) > 0) != (new.get(key, 0) > 0) or (old.get(key, 0) < 0) != (new.get(key, 0) < 0)
    ]


def _sure(icp: IcpVersion) -> dict[tuple[str, str], int]:
    return {(one["fact"], one["value"]): one["points"] for one in icp.traits if one["is_sure"]}


def icp_due(at: datetime) -> int:
    """Clock: learn again once a week, where there is enough to learn from."""
    newest = IcpVersion.objects.aggregate(newest=Max("made_at"))["newest"]
    if newest is not None and newest > at - EVERY:
        return 0
    since = Outcome.objects.filter(kind__in=[Outcome.Kind.WON, Outcome.Kind.LOST])
    if newest is not None and not since.filter(at__gt=newest).exists():
        return 0
    try:
        learn_icp(at)
    except NotEnoughDeals:
        return 0
    return 1
