"""Scoring open leads anew after a model was published, by as many jobs as the product starts, beside one by one.

BENCH_LEADS (100,000) sets how many there are, each with a score; half of them have two touches.
Printed is what a million would take.
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

LEADS = int(os.environ.get("BENCH_LEADS", "100000"))
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
    together = len(ids) / (time.perf_counter() - began)
    run.refresh_from_db()
    report(
        "rescoring",
        f"{LEADS} open leads scored anew, {len(rules)} rules",
        leads_a_second=round(together),
        one_by_one=round(alone),
        ratio=round(together / alone, 1),
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


def _leads() -> list[int]:
    from leads.models import Channel, Company, Contact, Lead, Touchpoint
    from leads.services.storing import insert_many

    chance, at = random.Random(SEED), datetime.now(UTC) - timedelta(days=3)
    channel = Channel.objects.create(slug="bench", name="Bench", kind="api")
    companies = [
        Company(name=f"Firm {n}", name_key=f"firm {n}", domain=f"firm{n}.example", staff=chance.randint(1, 9000))
        for n in range(LEADS // 2)
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
        for n in range(LEADS)
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
