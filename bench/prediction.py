"""The learned chance on real outcomes, through the product's own import and training.

X Education's leads (see shared/data/INDEX.md) come in as history, then their outcomes; the nine columns that sales
filled in later come with the outcomes, as they do from a CRM. The training has to refuse those, and is measured on the
same folds beside scikit-learn's histogram boosting and a naive Bayes.
"""

import csv
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.harness import ROOT, report

FILE = ROOT.parent / "shared" / "data" / "dev" / "xeducation_60pct.csv"
SOLD, NUMBER = "Converted", "Lead Number"
LEAKY = (
    "Tags", "Lead Quality", "Lead Profile", "Last Activity", "Last Notable Activity", "Asymmetrique Activity Index",
    "Asymmetrique Profile Index", "Asymmetrique Activity Score", "Asymmetrique Profile Score",
)  # fmt: skip
LEADS_MAP = """
[fields]
external_id = "Prospect ID"
occurred_at = "came"
source = "Lead Source"
[options]
history = true
drop = ["Lead Number"]
"""
DEALS_MAP = """
[fields]
external_id = "Prospect ID"
outcome = "outcome"
closed_at = "closed"
[options]
channel = "xeducation"
[attributes]
"""


def files(folder: Path) -> tuple[Path, Path]:
    """The public file as two: who came with what was known then, and what became of them. It has no dates: leads come
    an hour apart in the order of their numbers, and end after five days."""
    with FILE.open(encoding="utf-8-sig", newline="") as text:
        rows = sorted(csv.DictReader(text), key=lambda row: int(row[NUMBER]))
    begin = datetime(2025, 1, 1, tzinfo=UTC)
    known = [name for name in rows[0] if name not in (SOLD, *LEAKY)]
    leads, deals = folder / "leads.csv", folder / "deals.csv"
    with leads.open("w", newline="") as first, deals.open("w", newline="") as second:
        came, ended = csv.writer(first), csv.writer(second)
        came.writerow([*known, "came"])
        ended.writerow(["Prospect ID", "outcome", "closed", *LEAKY])
        for place, row in enumerate(rows):
            at = begin + timedelta(hours=place)
            came.writerow([*(row[name] for name in known), at.isoformat()])
            outcome = "won" if row[SOLD] == "1" else "lost"
            closed = (at + timedelta(days=5)).isoformat()
            ended.writerow([row["Prospect ID"], outcome, closed, *(row[name] for name in LEAKY)])
    (folder / "leads.toml").write_text(LEADS_MAP)
    named = "".join(f'"{name.lower()}" = "{name}"\n' for name in LEAKY)
    (folder / "deals.toml").write_text(DEALS_MAP + named)
    return leads, deals


def main() -> None:
    """Print what the product's training reaches, and the others beside it."""
    folder = Path(tempfile.mkdtemp(prefix="leadmgmt-bench-"))
    folder.chmod(0o755)
    os.environ |= {"LEADMGMT_VAR": str(folder), "DJANGO_SETTINGS_MODULE": "bench.settings"}
    try:
        subprocess.run([sys.executable, str(ROOT / "manage.py"), "migrate", "--verbosity", "0"], check=True, cwd=ROOT)
        import django

        django.setup()
        _bench(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _bench(folder: Path) -> None:
    from django.core.management import call_command

    from leadmgmt.core.now import now
    from leads.services.channels import create_channel
    from qualification.services.train import train
    from qualification.services.training_data import gather

    create_channel("import", "X Education", "xeducation")
    leads, deals = files(folder)
    call_command("import_leads", str(leads), "--channel", "xeducation", "--map", str(folder / "leads.toml"))
    call_command("import_deals", str(deals), "--map", str(folder / "deals.toml"))
    began = time.perf_counter()
    data = gather(now())
    gathered = time.perf_counter() - began
    began = time.perf_counter()
    model = train(data, now())
    took = time.perf_counter() - began
    others = _others(data, {one["fact"] for one in model.refused})
    report(
        "prediction",
        f"{model.examples} leads, {model.wins} won, {model.family} ({model.quality['words']})",
        auc=model.quality["auc"]["value"],
        auc_low=model.quality["auc"]["low"],
        auc_high=model.quality["auc"]["high"],
        calibration_error=model.quality["calibration_error"],
        brier=model.quality["brier"],
        **others,
        ratio_to_boosting=round(model.quality["auc"]["value"] / others["boosting_auc"], 4),
        leaky_columns_refused=sum(
            one["fact"].removeprefix("attributes.") in map(str.lower, LEAKY) for one in model.refused
        ),
        others_refused=sum(
            one["fact"].removeprefix("attributes.") not in map(str.lower, LEAKY) for one in model.refused
        ),
        gather_seconds=round(gathered, 1),
        train_seconds=round(took, 1),
        peak_megabytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    )


def _others(data, refused: set[str]) -> dict[str, float]:
    """scikit-learn's histogram boosting as it comes, and a naive Bayes, on the folds that the training used."""
    import numpy as np
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import roc_auc_score
    from sklearn.naive_bayes import BernoulliNB

    from qualification.prediction.encode import learn_encoder
    from qualification.prediction.fit import FOLDS, folds_of
    from qualification.services.train import examples_of

    examples = examples_of(data)
    kinds = {name: kind for name, kind in data.kinds.items() if name not in refused}
    encoder = learn_encoder(examples.rows, kinds)
    table, folds = np.asarray([encoder.encode(row) for row in examples.rows]), folds_of(examples)
    found = {}
    for name, learner in (("boosting", HistGradientBoostingClassifier(random_state=0)), ("naive_bayes", BernoulliNB())):
        chance = np.zeros(len(table))
        for fold in range(FOLDS):
            here = folds == fold
            learner.fit(table[~here], examples.won[~here])
            chance[here] = learner.predict_proba(table[here])[:, 1]
        found[f"{name}_auc"] = round(float(roc_auc_score(examples.won, chance)), 4)
        order = np.argsort(chance)
        parts = np.array_split(order, 10)
        off = [len(part) / len(table) * abs(chance[part].mean() - examples.won[part].mean()) for part in parts]
        found[f"{name}_calibration_error"] = round(float(sum(off)), 4)
    return found


if __name__ == "__main__":
    main()
