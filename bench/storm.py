"""Sixteen workers route ten thousand leads at once, each lead announced to two of them.

Four pools share the same reps, so that their locks meet; caps on open leads, a day, an hour and a kind of lead are
tight enough to bind; meanwhile reps switch themselves off and on, take leads from the waiting room and give them back.
Printed is how much faster sixteen are than one on the same leads, and what was found wrong afterwards: leads with two
owners, leads with neither owner nor place in the waiting room, caps passed, balances that are not their ledger.

BENCH_LEADS (10,000), BENCH_WORKERS (16) and BENCH_SEED set the size and the draw.
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

from bench.harness import ROOT, report

LEADS = int(os.environ.get("BENCH_LEADS", "10000"))
WORKERS = int(os.environ.get("BENCH_WORKERS", "16"))
SEED = int(os.environ.get("BENCH_SEED", "20261127"))
ALONE = 500
REPS, POOLS = 40, 4
COUNTRIES = ("DE", "AT", "CH", "FR")
FOUND = {
    "two_owners": "SELECT count(*) FROM (SELECT lead_id FROM routing_assignment WHERE ends_at IS NULL"
    " GROUP BY lead_id HAVING count(*) > 1) AS twice",
    "owner_without_assignment": "SELECT count(*) FROM leads_lead AS lead WHERE owner_id IS NOT NULL AND NOT EXISTS"
    " (SELECT FROM routing_assignment WHERE lead_id = lead.id AND user_id = lead.owner_id AND ends_at IS NULL)",
    "nobodys": "SELECT count(*) FROM leads_lead AS lead WHERE owner_id IS NULL AND NOT EXISTS"
    " (SELECT FROM routing_waitinglead WHERE lead_id = lead.id AND left_at IS NULL)",
    "owned_and_waiting": "SELECT count(*) FROM leads_lead AS lead JOIN routing_waitinglead AS wait"
    " ON wait.lead_id = lead.id AND wait.left_at IS NULL WHERE lead.owner_id IS NOT NULL",
    "cap_of_open_leads_passed": "SELECT count(*) FROM routing_rep AS rep WHERE max_open_leads IS NOT NULL AND"
    " (SELECT count(*) FROM leads_lead WHERE owner_id = rep.user_id) > max_open_leads",
    "cap_a_day_passed": "SELECT count(*) FROM routing_rep AS rep WHERE max_per_day IS NOT NULL AND"
    " (SELECT count(*) FROM routing_assignment WHERE user_id = rep.user_id AND reason = 'rule') > max_per_day",
    "cap_an_hour_passed": "SELECT count(*) FROM routing_rep AS rep WHERE max_per_hour IS NOT NULL AND"
    " (SELECT count(*) FROM routing_assignment WHERE user_id = rep.user_id AND reason = 'rule') > max_per_hour",
    "cap_of_a_kind_passed": "SELECT count(*) FROM routing_repcap AS cap JOIN routing_rep AS rep ON rep.id = cap.rep_id"
    " WHERE (SELECT count(*) FROM leads_lead AS lead JOIN leads_contact AS contact ON contact.id = lead.contact_id"
    " WHERE owner_id = rep.user_id AND contact.country = 'CH') > cap.most",
    "balances_off_the_ledger": "SELECT count(*) FROM routing_poolmember AS member WHERE balance <> coalesce((SELECT"
    " sum(amount) FROM routing_ledgerentry WHERE pool_id = member.pool_id AND rep_id = member.rep_id), 0)",
    "pools_not_at_zero": "SELECT count(*) FROM (SELECT pool_id FROM routing_poolmember GROUP BY pool_id"
    " HAVING sum(balance) <> 0) AS pool",
    "turns_without_assignment": "SELECT count(*) FROM routing_certificate AS one WHERE outcome = 'assigned'"
    " AND NOT EXISTS (SELECT FROM routing_assignment WHERE certificate_id = one.id)",
}


def main() -> None:
    """One part alone, then all at once; ends with an error if anything was found wrong."""
    if len(sys.argv) > 1:
        _work(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
        return
    folder = Path(tempfile.mkdtemp(prefix="leadmgmt-bench-"))
    folder.chmod(0o755)
    os.environ |= {"LEADMGMT_VAR": str(folder), "DJANGO_SETTINGS_MODULE": "bench.settings", "PYTHONPATH": str(ROOT)}
    try:
        subprocess.run([sys.executable, str(ROOT / "manage.py"), "migrate", "--verbosity", "0"], check=True, cwd=ROOT)
        import django

        django.setup()
        first = _world()
        alone = ALONE / _run(1, first, ALONE)
        began = time.perf_counter()
        together = LEADS / _run(WORKERS, first + ALONE, LEADS)
        seconds = time.perf_counter() - began
        _report(alone, together, seconds)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _report(alone: float, together: float, seconds: float) -> None:
    from django.db import connection

    wrong = {"breaches_of_the_audit": _breaches()}
    with connection.cursor() as cursor:
        for name, question in FOUND.items():
            cursor.execute(question)
            wrong[name] = cursor.fetchone()[0]
        cursor.execute(
            "SELECT (SELECT count(*) FROM leads_lead WHERE owner_id IS NOT NULL),"
            " (SELECT count(*) FROM routing_waitinglead WHERE left_at IS NULL),"
            " (SELECT count(*) FROM routing_assignment), (SELECT count(*) FROM routing_certificate)"
        )
        owned, waiting, assignments, certificates = cursor.fetchone()
    report(
        "storm",
        f"{LEADS} leads, {WORKERS} workers, {POOLS} pools over {REPS} reps",
        leads_a_second=round(together, 1),
        alone_a_second=round(alone, 1),
        ratio=round(together / alone, 2),
        seconds=round(seconds, 1),
        owned=owned,
        waiting=waiting,
        assignments=assignments,
        certificates=certificates,
        **wrong,
    )
    if any(wrong.values()):
        raise SystemExit(f"Found wrong: {json.dumps({name: count for name, count in wrong.items() if count})}")


def _breaches() -> int:
    """What the audit of routing finds, certificates that are executed again among it."""
    from leadmgmt.audit import run
    from leadmgmt.audit.of_routing import CHECKS

    return sum(len(broken) for _check, broken in run(CHECKS))


def _run(workers: int, first: int, count: int) -> float:
    """Seconds that so many workers take for the leads from number ``first`` on, once all of them are there."""
    gate = Path(os.environ["LEADMGMT_VAR"]) / f"gate-{first}"
    gate.mkdir()
    command = [sys.executable, "-m", "bench.storm", str(first), str(count)]
    running = [
        subprocess.Popen([*command, str(number if workers > 1 else -1), str(gate)], cwd=ROOT)
        for number in range(workers)
    ]
    while len(list(gate.iterdir())) < workers and all(one.poll() is None for one in running):
        time.sleep(0.01)
    began = time.perf_counter()
    (gate / "open").touch()
    if any(one.wait() for one in running):
        raise SystemExit("A worker failed; its last words are above.")
    return time.perf_counter() - began


def _work(first: int, count: int, number: int, gate: Path) -> None:
    """One worker's part: every lead of its own and every one of its neighbour's, in an order of its own."""
    import django

    django.setup()
    from leads.models import Lead

    chance = random.Random(SEED + number)
    if number < 0:
        mine = list(range(first, first + count))
    else:
        mine = [first + one for one in range(count) if one % WORKERS in (number, (number + 1) % WORKERS)]
        chance.shuffle(mine)
    Lead.objects.exists()
    (gate / str(number)).touch()
    while not (gate / "open").exists():
        time.sleep(0.002)
    for done, lead_id in enumerate(mine):
        _route(lead_id)
        if number >= 0 and done % 25 == 0:
            _disturb(chance)


def _route(lead_id: int) -> None:
    """The pipeline's transaction around the step."""
    from django.db import transaction

    from leads.models import Lead, LeadEvent
    from routing.services.route import route_lead

    with transaction.atomic(durable=True):
        lead = Lead.objects.lock().get(pk=lead_id)
        route_lead(lead, LeadEvent(lead=lead, kind="lead.scored"))


def _disturb(chance: random.Random) -> None:
    """What people do meanwhile."""
    from django.db.models import F

    from leadmgmt.core.errors import DomainError
    from leads.models import Lead
    from routing.models import Rep, WaitingLead
    from routing.services.assign import hand_back
    from routing.services.waiting import retry_lead

    rep = Rep.objects.select_related("user").order_by("pk")[chance.randrange(REPS)]
    what = chance.random()
    if what < 0.4:
        Rep.objects.filter(pk=rep.pk).update(is_accepting=chance.random() < 0.8)
        return
    try:
        if what < 0.7:
            lead = Lead.objects.filter(owner=rep.user, owned_at__isnull=False).order_by(F("pk").desc()).first()
            if lead is not None:
                hand_back(lead.pk, by=rep.user, reason="Not mine")
        else:
            wait = WaitingLead.objects.filter(left_at__isnull=True).order_by("pk").first()
            if wait is not None:
                retry_lead(wait.lead_id, datetime.now(UTC))
    except DomainError:
        # Somebody else was quicker.
        return


def _world() -> int:
    """People, pools, rules and leads; returns the number of the first lead."""
    from leads.models import Channel, Contact, Lead, Team
    from leads.services.storing import insert_many
    from routing.models import Rep, RepCap
    from tests.factories import make_policy, make_pool, make_rep, make_user
    from tests.routing.things import ALWAYS, is_in, make_rules

    chance = random.Random(SEED)
    team = Team.objects.create(slug="storm", name="Storm")
    make_policy(15, is_default=True)
    caps: list[dict[str, Any]] = [
        {"max_open_leads": LEADS // REPS},
        {"max_per_day": LEADS // REPS},
        {"max_per_hour": LEADS // REPS},
        {"max_open_leads": LEADS // REPS, "max_per_day": LEADS // REPS + 5},
        {"max_per_day": LEADS // REPS + 5, "max_per_hour": LEADS // REPS},
    ]
    reps = [make_rep(make_user("sdr", team=team), **caps[number % len(caps)]) for number in range(REPS)]
    swiss = is_in("contact.country", "CH")
    RepCap.objects.bulk_create(
        RepCap(rep=rep, name="Swiss", condition=swiss, per="open", most=LEADS // REPS // 8) for rep in reps[::4]
    )
    pools = []
    for number in range(POOLS):
        members = chance.sample(reps, REPS // 2)
        strategy = ("fair", "fair", "least_loaded", "best_fit")[number]
        pools.append(make_pool(*members, name=f"Pool {number}", strategy=strategy, team=team))
    rules = [(f"Rule {code}", is_in("contact.country", code), pools[n]) for n, code in enumerate(COUNTRIES[:3])]
    make_rules(*rules, ("Rest", ALWAYS, pools[3]))
    channel = Channel.objects.create(slug="bench", name="Bench", kind="api")
    contacts = [
        Contact(last_name=f"Storm {number}", country=chance.choice(COUNTRIES)) for number in range(LEADS + ALONE)
    ]
    insert_many(contacts)
    at = datetime.now(UTC) - timedelta(minutes=1)
    times = dict.fromkeys(("first_seen_at", "captured_at", "last_touch_at", "stage_at"), at)
    leads = [Lead(contact=contact, channel=channel, stage="new", **times) for contact in contacts]
    insert_many(leads)
    Rep.objects.update(is_accepting=True)
    return min(lead.pk for lead in leads)


if __name__ == "__main__":
    main()
