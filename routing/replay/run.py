"""Replaying a version over a period, from reading to report."""

import time
from collections.abc import Callable
from datetime import datetime

from django.db.models import F
from django.utils.translation import gettext as _

from routing.decide import readable
from routing.models import Rule, RuleSet, SlaClock
from routing.published import rules_of
from routing.replay.compiled import compile_rules, fact_names
from routing.replay.people import History, People
from routing.replay.reading import (
    Movement,
    books_at,
    count_of,
    decisions,
    first_entries,
    loads_of,
    meanings,
    movements,
)
from routing.replay.report import Places, Promises, Report, Tally, furthest, report_of
from routing.replay.simulation import Extra, Simulation
from routing.words import place_of

Progress = Callable[[int, int], None]
EVERY = 2000


def replay(
    rule_set: RuleSet,
    since: datetime,
    until: datetime,
    progress: Progress | None = None,
    extra: Extra | None = None,
) -> Report:
    """Make every decision of the period again by this version, with one person more if asked. Changes nothing."""
    began = time.perf_counter()
    tally, simulation = simulate(rule_set, since, until, progress, extra)
    report = report_of(tally, _places(rule_set), _promises(since, until))
    report.version, report.since, report.until = rule_set.version, since.isoformat(), until.isoformat()
    report.furthest = furthest(simulation.books.balances)
    report.furthest_before = _furthest_then(until)
    report.seconds = round(time.perf_counter() - began, 3)
    return report


def simulate(
    rule_set: RuleSet,
    since: datetime,
    until: datetime,
    progress: Progress | None = None,
    extra: Extra | None = None,
) -> tuple[Tally, Simulation]:
    """The decisions made again, and the state at the end."""
    rules = rules_of(rule_set.pk)
    history = History.read(until)
    people = People(history, since, until, loads_of(since, until))
    kinds = {pk: found for pk, tree in people.kind_conditions().items() if (found := readable(tree)) is not None}
    names = fact_names(rules, kinds.values())
    index = {name: place for place, name in enumerate(names)}
    by_hand = movements(since, until)
    order = first_entries(since, until) if by_hand else {}
    watched = frozenset(one.takes_back for one in by_hand if one.takes_back)
    simulation = Simulation(
        rules, compile_rules(rules, index), index, people, meanings(), books_at(since), watched, extra, kinds
    )
    tally, total, moved = Tally(), count_of(since, until) if progress else 0, 0
    with_accounts = any(rule.destination == Rule.Destination.ACCOUNT_OWNER for rule in rules)
    for number, one in enumerate(decisions(names, since, until, with_accounts=with_accounts)):
        if order and (entry := order.get(one.pk)):
            while moved < len(by_hand) and by_hand[moved].order < entry:
                _move(simulation, by_hand[moved])
                moved += 1
        tally.note(one, simulation.decide(one))
        if progress and number % EVERY == 0:
            progress(number, total)
    for movement in by_hand[moved:]:
        _move(simulation, movement)
    simulation.pass_time(until)
    return tally, simulation


def _move(simulation: Simulation, movement: Movement) -> None:
    if movement.takes_back is not None:
        simulation.take_back(movement.takes_back)
    else:
        simulation.move(movement.pool, movement.rep, movement.amount)


def _places(rule_set: RuleSet) -> Places:
    related = ("pool", "rep__user", "reason")
    own = [
        (rule.position, rule.name, place_of(rule))
        for rule in rule_set.rules.select_related(*related).filter(is_active=True).order_by("position")
    ]
    old = {rule.pk: (rule.name, place_of(rule)) for rule in Rule.objects.select_related(*related)}
    return Places(old, own, _("unmatched"))


def _promises(since: datetime, until: datetime) -> Promises:
    clocks = SlaClock.objects.filter(started_at__gte=since, started_at__lt=until).order_by("started_at", "pk")
    due = dict(reversed(list(clocks.values_list("lead", "due_at"))))
    touched = SlaClock.objects.filter(touched_at__isnull=False, owned_at__isnull=False, touched_at__lt=until)
    lags: dict[int, list[float]] = {}
    rows = touched.filter(lead__owner__rep__isnull=False).annotate(rep=F("lead__owner__rep"))
    for rep, owned_at, touched_at in rows.values_list("rep", "owned_at", "touched_at"):
        if owned_at and touched_at:
            lags.setdefault(rep, []).append(max(0.0, (touched_at - owned_at).total_seconds()))
    ordered = {rep: sorted(values) for rep, values in lags.items()}
    return Promises(due, ordered, sorted(value for values in ordered.values() for value in values))


def _furthest_then(until: datetime) -> float:
    """The same of what history booked."""
    return furthest(books_at(until).balances)
