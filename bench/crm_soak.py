"""Soak runs over the conformance suite's CRMs: changes on both sides, faults that fire, both sides compared.

BENCH_CRMS (all five) names them, BENCH_OPS (2,000) and BENCH_FAULTS (500) say how many at least in each run,
BENCH_SEEDS (5) how many random seeds. A run can be had again by BENCH_SEED.
"""

import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.harness import ROOT, report

CRMS = os.environ.get("BENCH_CRMS", "local salesforce hubspot odoo tryton").split()
OPS, FAULTS = int(os.environ.get("BENCH_OPS", "2000")), int(os.environ.get("BENCH_FAULTS", "500"))
SEEDS = int(os.environ.get("BENCH_SEEDS", "5"))


def main() -> None:
    """Print what each run lost, doubled or got wrong: the goal is nothing."""
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
    from django.conf import settings
    from django.db import connection

    from crmsync.models import Connection
    from crmsync.soak.run import Soak
    from leads.models import User
    from tests.crmsync.stands.stand_others import all_stands
    from tests.crmsync.things import make_crm
    from tests.factories import make_user

    connection.ensure_connection()
    make_crm()
    settings.OUTBOUND_ALLOW_PRIVATE = ["127.0.0.1"]
    stands = all_stands()
    for name in CRMS:
        stand = stands[name]
        if name == "tryton":
            stand.place()
        stand.start()
        User.objects.filter(email=stand.ae).exists() or make_user("ae", email=stand.ae)
        Connection.objects.update(mode="off")
        crm = stand.connect()
        Connection.objects.filter(pk=crm.pk).update(config={**crm.config, "sandbox": True, "address": _far(stand)})
        given = os.environ.get("BENCH_SEED")
        seeds = [int(given)] if given else [secrets.randbelow(2**31) for _ in range(SEEDS)]
        for seed in seeds:
            stand.reset()
            if name == "hubspot":
                _prepare(crm)
            if name == "salesforce":
                # The day's calls are another matter: with none left a run waits for the next day.
                stand.crm.remaining = 10**9
            told = Soak(Connection.objects.get(pk=crm.pk), ops=OPS, faults=FAULTS, seed=seed, say=print).run()
            figures = {key: getattr(told, key) for key in ("ops", "deals", "faults", "lost", "duplicate", "wrong")}
            report(
                "crm_soak",
                f"{name}, seed {seed}",
                **figures,
                out_of_order=told.out_of_order,
                dead=told.dead,
                unfinished=told.unfinished,
                seconds=told.seconds,
            )
            _forget()
        stand.stop()


def _far(stand):
    return {"tryton": lambda: stand.server.address, "local": lambda: ""}.get(stand.name, lambda: stand.address)()


def _prepare(crm):
    from datetime import timedelta

    from crmsync.adapters.registry import adapter_for
    from leadmgmt.core.now import now

    adapter_for(crm).prepare(now() + timedelta(minutes=1))


def _forget() -> None:
    """The next run begins with none of this one's rows."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE crmsync_opportunity, crmsync_inboxevent, crmsync_cursor, crmsync_parent CASCADE")


if __name__ == "__main__":
    main()
