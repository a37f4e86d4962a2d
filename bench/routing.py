"""One routing decision, and replays: 20 rules, 40 reps.

A decision is measured without a database: rules, gates, turn. A replay is measured whole, reading included, over
certificates as they are written; the ratio compares it with reading the same rows and doing nothing.

BENCH_DECISIONS (60,000) sets how many are replayed.
"""

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.harness import ROOT, percentile, report

DECISIONS = int(os.environ.get("BENCH_DECISIONS", "60000"))
SEED = 20261126
RULES, REPS, BIG_RULES, BIG_REPS = 20, 40, 200, 500
COUNTRIES = "DE AT CH FR IT ES NL BE PL CZ SE NO DK FI IE GB US".split()
BEGIN = datetime(2026, 8, 1, tzinfo=UTC)


def main() -> None:
    """Print milliseconds a decision and leads a second. Budgets: 1 ms at 200 rules and 500 reps, 20,000 a second."""
    folder = Path(tempfile.mkdtemp(prefix="leadmgmt-bench-"))
    folder.chmod(0o755)
    os.environ |= {"LEADMGMT_VAR": str(folder), "DJANGO_SETTINGS_MODULE": "bench.settings"}
    run = [sys.executable, str(ROOT / "manage.py")]
    try:
        subprocess.run([*run, "migrate", "--verbosity", "0"], check=True, cwd=ROOT)
        import django

        django.setup()
        _decisions(RULES, REPS)
        _decisions(BIG_RULES, BIG_REPS)
        _replay()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _tree(chance: random.Random, number: int) -> dict[str, Any]:
    return {
        "all": [
            {"fact": "contact.country", "op": "in", "value": chance.sample(COUNTRIES, 2)},
            {"fact": "company.staff", "op": "gte", "value": chance.randint(1, 500)},
            {
                "any": [
                    {"fact": "score.grade", "op": "in", "value": ["A1", "A2", "B1"]},
                    {"fact": "lead.source", "op": "eq", "value": f"source-{number % 7}"},
                    {"fact": "contact.seniority", "op": "in", "value": ["owner", "c_level", "vp"]},
                ]
            },
        ]
    }


def _facts(chance: random.Random) -> dict[str, Any]:
    from leads.facts import FACTS

    told: dict[str, Any] = dict.fromkeys(FACTS)
    told |= {
        "now": "2026-08-01T00:00:00+00:00",
        "contact.country": chance.choice(COUNTRIES),
        "company.staff": chance.randint(1, 800),
        "score.grade": chance.choice(["A1", "B2", "C3", "D4"]),
        "lead.source": f"source-{chance.randint(0, 9)}",
        "contact.seniority": chance.choice(["owner", "staff", "manager", None]),
        "company.name": "Rheintal Kältetechnik GmbH",
        "contact.language": "de",
    }
    return told


def _decisions(rules: int, reps: int) -> None:
    from decimal import Decimal

    from routing.decide import Candidate, RuleView, distribute, first_match, readable

    chance = random.Random(SEED)
    views = [
        RuleView(one, one, f"Rule {one}", tree, readable(tree)) for one in range(rules) for tree in [_tree(chance, one)]
    ] + [RuleView(rules, rules, "Rest", {}, readable({}))]
    people = [
        Candidate(one, one, f"Rep {one}", works_until="2027-01-01T00:00:00+00:00", balance=Decimal(one % 7) / 10)
        for one in range(reps)
    ]
    spans = []
    for number in range(2000):
        facts = _facts(chance)
        started = time.perf_counter()
        first_match(views, facts)
        distribute(people, f"lead {number}")
        spans.append((time.perf_counter() - started) * 1000)
    report(
        "routing",
        f"one decision without a database, {rules} rules, {reps} reps, milliseconds",
        p50=round(percentile(spans, 0.5), 3),
        p99=round(percentile(spans, 0.99), 3),
    )


def _replay() -> None:
    from django.db import connection

    from routing.models import RuleSet
    from routing.replay.reading import decisions
    from routing.replay.run import replay

    rule_set = _world()
    until = BEGIN + timedelta(days=200)
    began = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, lead_id, decided_at, facts::text, brief::text FROM routing_certificate ORDER BY id")
        rows = cursor.fetchall()
    reading = time.perf_counter() - began
    del rows
    began = time.perf_counter()
    count = sum(1 for _one in decisions(["now"], BEGIN, until, with_accounts=False))
    scanning = time.perf_counter() - began
    rates = []
    for version in (rule_set, RuleSet.objects.get(version=2)):
        began = time.perf_counter()
        found = replay(version, BEGIN, until)
        rates.append(found.decisions / (time.perf_counter() - began))
        report(
            "routing",
            f"replay of {found.decisions} decisions, version {version.version}, {RULES} rules, {REPS} reps",
            decisions_a_second=round(rates[-1]),
            moved=found.moved,
            by_rule=found.by_rule,
            by_rotation=found.by_rotation,
        )
    report(
        "routing",
        "a replay against reading its rows as they are",
        ratio=round(found.decisions / rates[0] / reading, 2),
        rows_a_second=round(count / reading),
        scanned_a_second=round(count / scanning),
    )


def _world() -> Any:
    """Rules, a pool of forty, and certificates of their decisions, written as they are written."""
    from django.db import connection

    from leads.models import Channel, Contact, Lead
    from leads.services.storing import insert_many
    from routing.models import Rule, RuleSet
    from tests.factories import make_pool, make_rep

    chance = random.Random(SEED)
    pools = [make_pool(*[make_rep() for _ in range(REPS)], name="Everybody"), make_pool(make_rep(), name="Few")]
    sets = [RuleSet.objects.create(version=one, status=status) for one, status in ((1, "published"), (2, "draft"))]
    for rule_set in sets:
        for number in range(RULES):
            tree = _tree(random.Random(number), number) if number < RULES - 1 else {}
            pool = pools[1] if rule_set.version == 2 and number == 3 else pools[0]
            Rule.objects.create(
                rule_set=rule_set,
                position=number + 1,
                name=f"Rule {number}",
                condition=tree,
                destination="pool",
                pool=pool,
            )
    with connection.cursor() as cursor:
        cursor.execute("UPDATE routing_confighistory SET at = NULL")
    channel = Channel.objects.create(slug="bench", name="Bench", kind="api")
    contact = Contact.objects.create(last_name="Bench")
    leads = [
        Lead(contact=contact, channel=channel, is_history=True, stage="disqualified", **_times(number))
        for number in range(DECISIONS)
    ]
    from leads.models import Reason

    reason = Reason.objects.create(kind="disqualify", code="bench", label_en="Bench", label_de="Bench")
    for lead in leads:
        lead.reason = reason
    insert_many(leads)
    _certify(chance, sets[0], pools[0], leads)
    return sets[0]


def _times(number: int) -> dict[str, datetime]:
    at = BEGIN + timedelta(seconds=number * 120)
    return {"first_seen_at": at, "captured_at": at, "last_touch_at": at, "stage_at": at}


def _certify(chance: random.Random, rule_set: Any, pool: Any, leads: list[Any]) -> None:
    from leads.services.storing import insert_many
    from routing.decide import distribute, first_match
    from routing.published import rules_of

    views = rules_of(rule_set.pk)
    reps = list(pool.members.order_by("rep").values_list("rep", flat=True))
    balances: dict[int, Any] = {}
    last: dict[int, str] = {}
    pages = []
    for number, lead in enumerate(leads):
        facts = _facts(chance)
        rule, _looked = first_match(views, facts)
        found = distribute(_people(reps, number, balances, last), f"lead {lead.pk}")
        if found.choice is None:
            raise RuntimeError("Nobody was there.")
        balances |= found.after
        at = BEGIN + timedelta(seconds=number * 120 + 1)
        last[found.choice.rep_id] = at.isoformat()
        pages.append(_page(lead, rule_set, rule, pool, found, facts, at))
    insert_many(pages)


def _people(reps: list[int], number: int, balances: dict[int, Any], last: dict[int, str]) -> list[Any]:
    """The candidates; some are always away: a crowd of its own each hour."""
    from decimal import Decimal

    from routing.decide import Candidate

    away = {reps[(number // 30 + one) % REPS] for one in range(8)}
    return [
        Candidate(
            rep,
            rep,
            "Rep",
            balance=balances.get(rep, Decimal(0)),
            last_assigned_at=last.get(rep),
            works_until=None if rep in away else "2027-01-01T00:00:00+00:00",
        )
        for rep in reps
    ]


def _page(lead: Any, rule_set: Any, rule: Any, pool: Any, found: Any, facts: Any, at: datetime) -> Any:
    from routing.certify import candidates_content, draw_content
    from routing.models import Certificate
    from routing.replay.tiers import brief_of

    return Certificate(
        lead=lead,
        rule_set=rule_set,
        rule_id=rule.id if rule else None,
        pool=pool,
        rep_id=found.choice.rep_id,
        outcome="assigned",
        decided_at=at,
        facts=json.loads(json.dumps(facts)),
        rules=[],
        candidates=[],
        draw={"seed": draw_content(found)["seed"], "strategy": "fair"},
        digest="",
        brief=brief_of(candidates_content(found)),
    )


if __name__ == "__main__":
    main()
