"""How well people are told apart, and how long that takes beside many.

First a labelled crowd (tests/leads/crowd.py): precision and recall of what joins by itself and of what is put up for
decision. Then the time that matching takes for one capture against many contacts: the certain keys before it is
attached, and the search for people who are merely alike after it. The ratio compares it with reading one contact by
its number in the same run.

BENCH_CONTACTS (1,000,000) and BENCH_CAPTURES (5,000) set the size, BENCH_CROWD (3,000) that of the crowd.
"""

import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.harness import ROOT, percentile, report

CONTACTS = int(os.environ.get("BENCH_CONTACTS", "1000000"))
CAPTURES = int(os.environ.get("BENCH_CAPTURES", "5000"))
CROWD = int(os.environ.get("BENCH_CROWD", "3000"))
SEED = 20261126
# As many people of one name as in a country: thousands of family names, hundreds of given ones.
GIVEN = "anna ben clara david emma felix greta ida jonas karl laura max nina oskar paula rosa simon tina uwe vera zoe"
FAMILY = "adler becker brand dietz engel fuchs gruber hart jansen keller lang moser nolte oster pfeiffer"
TRADES = "technik logistik software maschinenbau energie bau chemie optik medien pharma textil stahl"
FILL = """
    INSERT INTO leads_company (name, name_key, domain, country, city, industry, website, linkedin,
        description, is_customer, created_at, updated_at)
    SELECT name, name, CASE WHEN n %% 2 = 0 THEN 'firm' || n || '.example' END, 'DE', '', '', '', '', '', false,
        now(), now()
    FROM generate_series(1, %(companies)s) AS n CROSS JOIN LATERAL (SELECT
        translate(substr(md5(n::text), 1, 7), '0123456789', 'ghiklmnoru') || ' '
            || (%(trades)s::text[])[1 + n %% 12] || ' ' || translate(n::text, '0123456789', 'abcdefghij') AS name
    ) AS named;
    INSERT INTO leads_contact (email, email_key, phone, phone_raw, first_name, last_name, name_key, person_key,
        name_title, job_title, seniority, department, company_id, country, city, time_zone, language, email_class,
        deliverability, attributes, created_at, updated_at)
    SELECT mail, mail, phone, '', first, last, key, phone || ' ' || key, '', '', '', '', company, 'DE', '', '', '', '',
        '', '{}', now(), now()
    FROM (
        SELECT n, first, last, least(first, last) || ' ' || greatest(first, last) AS key,
            first || '.' || last || n || '@firm' || (n %% %(companies)s + 1) || '.example' AS mail,
            '+4930' || (3000000 + n) AS phone, (SELECT min(id) FROM leads_company) + n %% %(companies)s AS company
        FROM generate_series(1::bigint, %(contacts)s) AS n
        CROSS JOIN LATERAL (SELECT
            (%(given)s::text[])[1 + n * 7919 %% 21] || substr(md5((n %% 13)::text), 1, 1) AS first,
            (%(family)s::text[])[1 + n * 104729 %% 15]
                || translate(substr(md5((n %% 4001)::text), 1, 4), '0123456789', 'ghiklmnoru') AS last
        ) AS named
    ) AS people;
"""


def main() -> None:
    """Print precision and recall, then the times. Budgets: 0.99, 0.95, p99 of 20 ms."""
    folder = Path(tempfile.mkdtemp(prefix="leadmgmt-bench-"))
    folder.chmod(0o755)
    os.environ |= {"LEADMGMT_VAR": str(folder), "DJANGO_SETTINGS_MODULE": "bench.settings"}
    run = [sys.executable, str(ROOT / "manage.py")]
    try:
        subprocess.run([*run, "migrate", "--verbosity", "0"], check=True, cwd=ROOT)
        import django

        django.setup()
        _quality()
        _speed()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _quality() -> None:
    from tests.leads.crowd import Crowd
    from tests.leads.test_likeness import play

    judged, kinds = play(Crowd(SEED), CROWD)
    report(
        "matching",
        f"crowd of {CROWD} submissions, seed {SEED}",
        pairs=judged.true_pairs,
        precision_joined=round(judged.precision, 4),
        recall_joined=round(judged.recall_joined, 4),
        recall_joined_or_asked=round(judged.recall, 4),
        precision_asked=round(judged.asked_precision, 4),
    )
    for (kind, what), count in sorted(kinds.items()):
        report("matching", f"{kind}: {what}", count=count)


def _fill() -> int:
    """Make the contacts; returns the first one's number."""
    from django.db import connection

    sizes = {"contacts": CONTACTS, "companies": max(1, CONTACTS // 10)}
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE leads_contact, leads_company CASCADE")
        cursor.execute(FILL, {**sizes, "given": GIVEN.split(), "family": FAMILY.split(), "trades": TRADES.split()})
        # As it is after a night: the visibility map and the pending lists of the trigram indexes are in order.
        cursor.execute("VACUUM ANALYZE leads_contact, leads_company")
        cursor.execute("SELECT min(id) FROM leads_contact")
        return int(cursor.fetchone()[0])


def _match_one(number: int, chance: Any, spans: dict[str, list[float]]) -> None:
    """One capture of somebody like contact ``number``; the times go into ``spans``."""
    from django.utils import timezone

    from leads.matching import People
    from leads.models import Contact
    from leads.normalise import read_submission
    from leads.services.duplicates import candidates, compare, traits_of

    def timed(name: str, work: Callable[[], Any]) -> Any:
        started = time.perf_counter()
        found = work()
        spans[name].append((time.perf_counter() - started) * 1000)
        return found

    def alike(known: Contact) -> None:
        mine = traits_of(known)
        for _pk, traits, _key in candidates(known):
            compare(mine, traits)

    known = timed("by number", lambda: Contact.objects.select_related("company").get(pk=number))
    payload = {
        "email": f"x{chance.random()}{known.email}",
        "phone": known.phone,
        "first_name": known.first_name,
        "last_name": chance.choice([known.last_name, known.last_name[1:], known.last_name + "er"]),
    }
    found = read_submission(payload, received_at=timezone.now())
    timed("certain", lambda: People().load([(1, found)]))
    known.last_name, known.name_key = payload["last_name"], ""
    timed("alike", lambda: alike(known))
    spans["both"].append(spans["certain"][-1] + spans["alike"][-1])


def _speed() -> None:
    first, chance = _fill(), random.Random(SEED)
    spans: dict[str, list[float]] = {"certain": [], "alike": [], "both": [], "by number": []}
    for _capture in range(CAPTURES):
        _match_one(first + chance.randrange(CONTACTS), chance, spans)
    for name, found in spans.items():
        report(
            "matching",
            f"{name}, {CAPTURES} captures against {CONTACTS} contacts, milliseconds",
            p50=round(percentile(found, 0.5), 2),
            p95=round(percentile(found, 0.95), 2),
            p99=round(percentile(found, 0.99), 2),
        )
    ratio = percentile(spans["both"], 0.5) / percentile(spans["by number"], 0.5)
    report("matching", "matching against reading one contact, p50", ratio=round(ratio, 2))


if __name__ == "__main__":
    main()
