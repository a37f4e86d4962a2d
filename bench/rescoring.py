"""Scoring open leads anew after a model was published, by as many jobs as the product starts, beside one by one.

BENCH_LEADS (1,000,000) sets how many there are, each with a score; half of them have two touches. The first 20,000 are
scored by the product, the others are copies of these with companies, contacts, touches and scores of their own.
"""

import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import PIPE
from typing import Any

from bench.harness import ROOT, report

LEADS = int(os.environ.get("BENCH_LEADS", "1000000"))
FIRST = min(LEADS, 20_000)
ALONE = 300
AT_ONCE = 500
SEED = 20261127
MILLION = 1_000_000


def main() -> None:
    """Print leads a second. The goal is a million in a minute."""
    folder = Path(tempfile.mkdtemp(prefix="leadmgmt-bench-"))
    folder.chmod(0o755)
    os.environ |= {"LEADMGMT_VAR": str(folder), "DJANGO_SETTINGS_MODULE": "bench.settings"}
    try:
        subprocess.run([sys.executable, str(ROOT / "manage.py"), "migrate", "--verbosity", "0"], check=True, cwd=ROOT)
        import django

        django.setup()
        _bench()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _bench() -> None:
    from django.db import connection
    from django.utils import timezone

    from qualification.models import ScoringModel
    from qualification.services.defaults import install_defaults
    from qualification.services.rescoring import JOBS, begin_rescoring
    from qualification.services.score import publish_model, rescore, score_anew

    install_defaults()
    ids = _leads()
    for start in range(0, len(ids), AT_ONCE):
        score_anew(ids[start : start + AT_ONCE], timezone.now())
    began = time.perf_counter()
    for pk in ids[:ALONE]:
        rescore(pk)
    alone = ALONE / (time.perf_counter() - began)
    _copy(LEADS // FIRST - 1)
    with connection.cursor() as cursor:
        # As autovacuum leaves them where leads come in over months.
        cursor.execute("VACUUM ANALYZE")
    first = ScoringModel.objects.get()
    rules = [rule | {"points": rule["points"] / 2} for rule in first.rules]
    model = publish_model(ScoringModel.objects.create(version=2, rules=rules).pk)
    run = begin_rescoring(model, timezone.now())
    command = [sys.executable, "-m", "bench.rescoring", str(run.pk)]
    # Processes, as the product's workers are; they wait until all are there.
    jobs = [subprocess.Popen(command, cwd=ROOT, stdin=PIPE, stdout=PIPE, text=True) for _job in range(JOBS)]
    for job in jobs:
        job.stdout.readline()  # type: ignore[union-attr]  # a pipe
    began = time.perf_counter()
    for job in jobs:
        print("begin", file=job.stdin, flush=True)
    for job in jobs:
        job.wait()
    together = run.total / (time.perf_counter() - began)
    run.refresh_from_db()
    report(
        "rescoring",
        f"{run.total} open leads scored anew, {len(rules)} rules",
        leads_a_second=round(together),
        one_by_one=round(alone),
        ratio=round(together / alone, 1),
        seconds=round(run.total / together, 1),
        seconds_for_a_million=round(MILLION / together),
        done=run.done,
        moved=run.moved,
    )


def _work(run_id: int) -> None:
    """One worker's jobs, one after the other, from when it is told to begin."""
    import django

    django.setup()
    from qualification.models import RescoreRun
    from qualification.services.rescoring import rescore_spell

    RescoreRun.objects.get(pk=run_id)
    print("ready", flush=True)
    sys.stdin.readline()
    while RescoreRun.objects.get(pk=run_id).state == RescoreRun.State.RUNNING:
        rescore_spell(run_id)


def _copy(times: int) -> None:
    """Copy every company, contact, lead, touch and score so many times; copies refer to copies."""
    from django.db import connection

    from leads.models import Company, Contact, Lead, Touchpoint
    from qualification.models import Score

    tables = [model._meta.db_table for model in (Company, Contact, Lead, Touchpoint, Score)]
    with connection.cursor() as cursor:
        highest = {}
        for table in tables:
            cursor.execute(f"SELECT max(id) FROM {table}")
            highest[table] = cursor.fetchone()[0]
        own = {
            "id": "id + copy * {own}",
            "company_id": f"company_id + copy * {highest['leads_company']}",
            "contact_id": f"contact_id + copy * {highest['leads_contact']}",
            "lead_id": f"lead_id + copy * {highest['leads_lead']}",
            "name_key": "name_key || '-' || copy",
            "domain": "'c' || copy || domain",
            "email": "'c' || copy || email",
            "email_key": "'c' || copy || email_key",
            "public_id": "gen_random_uuid()",
        }
        for table in tables:
            cursor.execute(
                "SELECT column_name FROM information_schema.columns WHERE table_name = %s AND is_generated = 'NEVER'",
                [table],
            )
            names = [name for (name,) in cursor.fetchall()]
            values = ", ".join(own.get(name, f'"{name}"').format(own=highest[table]) for name in names)
            columns = ", ".join(f'"{name}"' for name in names)
            cursor.execute(
                f"INSERT INTO {table} ({columns}) SELECT {values} FROM {table}, generate_series(1, {times}) AS copy "
                "ORDER BY copy, id"
            )
            cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))")


def _leads() -> list[int]:
    from leads.models import Channel, Company, Contact, Lead, Touchpoint
    from leads.services.storing import insert_many

    chance, at = random.Random(SEED), datetime.now(UTC) - timedelta(days=3)
    channel = Channel.objects.create(slug="bench", name="Bench", kind="api")
    companies = [
        Company(name=f"Firm {n}", name_key=f"firm {n}", domain=f"firm{n}.example", staff=chance.randint(1, 9000))
        for n in range(FIRST // 2)
    ]
    insert_many(companies)
    seniorities = ("c_level", "manager", "junior", "")
    contacts = [
        Contact(
            last_name=f"Bench {n}",
            email=f"p{n}@firm.example",
            email_key=f"p{n}@firm.example",
            email_class="business",
            seniority=chance.choice(seniorities),
            company=companies[n // 2],
            country="DE",
        )
        for n in range(FIRST)
    ]
    insert_many(contacts)
    times: dict[str, Any] = dict.fromkeys(("first_seen_at", "captured_at", "last_touch_at", "stage_at"), at)
    leads = [Lead(contact=contact, channel=channel, subject="demo", stage="new", **times) for contact in contacts]
    insert_many(leads)
    touches = [
        Touchpoint(lead=lead, contact=lead.contact, kind="form", at=at, subject=subject)
        for lead in leads[::2]
        for subject in ("demo", "webinar")
    ]
    insert_many(touches)
    return sorted(lead.pk for lead in leads)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        _work(int(sys.argv[1]))
    else:
        main()
