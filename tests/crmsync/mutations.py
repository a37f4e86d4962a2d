"""G7: each safeguard of the sync is held by a test. Takes one away at a time and expects the tests to notice.

`python -m tests.crmsync.mutations [NAME ...]`, from the project's root; a copy of it is changed, never the project.
Ends with status 1 where a safeguard could be taken away unseen.
"""

import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SUITE = "tests/crmsync/conformance"


@dataclass(frozen=True)
class Mutation:
    """One safeguard: where it stands, what stands there without it, and the tests that are to fail."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


MUTATIONS = (
    Mutation(
        "settle window",
        "crmsync/services/send.py",
        'if can.create_idempotency == "none" and at < settled_at:',
        "if False:",
        (f"{SUITE}/test_faults_out.py", "-k", "f02 and odoo"),
    ),
    Mutation(
        "overlap",
        "crmsync/services/cursors.py",
        "return Window(position - overlap(connection, can), remote_now + TICK), None",
        "return Window(position, remote_now + TICK), None",
        (f"{SUITE}/test_reading.py", "-k", "p01 and (odoo or salesforce)"),
    ),
    Mutation(
        "key",
        "crmsync/services/plan.py",
        'command = Upsert(DEAL, link.external_key, sent, mode="create"',
        'command = Upsert(DEAL, __import__("uuid").uuid4().hex, sent, mode="create"',
        (f"{SUITE}/test_faults_out.py", "-k", "f01 and salesforce"),
    ),
    Mutation(
        "key in the record",
        "crmsync/adapters/odoo.py",
        "body |= {self._key: cmd.external_key, ",
        "body |= {",
        (f"{SUITE}/test_writing.py", "-k", "t01 and odoo"),
    ),
    Mutation(
        "fencing",
        "crmsync/services/claim.py",
        "mine = OutboxEntry.objects.filter(pk=claim.entry.pk, state=State.LEASED, lease_token=claim.token)\n    return",
        "mine = OutboxEntry.objects.filter(pk=claim.entry.pk)\n    return",
        (f"{SUITE}/test_faults_out.py", "-k", "f04 and (odoo or local)"),
    ),
    Mutation(
        "shadow after a write",
        "crmsync/services/send.py",
        "link.shadow = link.shadow | after",
        "link.shadow = link.shadow",
        ("tests/crmsync/test_faults_in.py", "-k", "agreed_at_once"),
    ),
    Mutation(
        "shadow compare on reading",
        "crmsync/services/apply.py",
        "base, mine, theirs = link.shadow.get(name), ours[name], look.theirs[name]",
        "base, mine, theirs = None, ours[name], look.theirs[name]",
        (f"{SUITE}/test_echo_and_conflict.py", "tests/crmsync/test_there_and_back.py", "-k", "not tryton"),
    ),
    Mutation(
        "shadow compare on sending",
        "crmsync/services/plan.py",
        "if canonical(value) != link.shadow.get(name)",
        "if True",
        ("tests/crmsync/test_unsettled.py", "-k", "arrived_is_found"),
    ),
    Mutation(
        "cursor after commit",
        "crmsync/services/pull.py",
        "    seen = 0\n    for _ in range(PAGES):",
        "    seen = 0\n    cursors.move(connection, remote_now)\n    for _ in range(PAGES):",
        (f"{SUITE}/test_reading.py", "-k", "p06 and salesforce"),
    ),
    Mutation(
        "verify before sending again",
        "crmsync/services/failures.py",
        "    if claim.must_verify:\n",
        "    if False:\n",
        (f"{SUITE}/test_faults_out.py", "-k", "f02_a_look and odoo"),
    ),
    Mutation(
        "another value waits for an unsettled one",
        "crmsync/services/send.py",
        "if until := unsettled.waits(link, plan, adapter, at):",
        "if until := None:",
        ("tests/crmsync/test_unsettled.py",),
    ),
    Mutation(
        "what was sent twice may still arrive",
        "crmsync/services/unsettled.py",
        "Link.objects.filter(pk=link.pk, unsettled_tries=1).update(",
        "Link.objects.filter(pk=link.pk).update(",
        ("tests/crmsync/test_unsettled.py",),
    ),
    Mutation(
        "a silence has to last",
        "crmsync/services/breaker.py",
        " and at - row.failing_since >= SILENCE:",
        ":",
        ("tests/crmsync/test_breaker.py",),
    ),
)


def survives(mutation: Mutation) -> bool:
    """Whether the tests are green without the safeguard."""
    with tempfile.TemporaryDirectory(prefix="mutation-") as folder:
        copy = Path(folder) / "project"
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".venv", "var", ".git", "__pycache__", ".*_cache"))
        file = copy / mutation.file
        text = file.read_text()
        if text.count(mutation.old) != 1:
            raise SystemExit(f"{mutation.name}: the safeguard is not where it was; mend this script.")
        file.write_text(text.replace(mutation.old, mutation.new))
        tests = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *mutation.tests]
        done = subprocess.run(tests, cwd=copy, capture_output=True, text=True, check=False)
        if done.returncode not in (0, 1):
            raise SystemExit(f"{mutation.name}: the tests did not run.\n{done.stdout[-2000:]}")
        return done.returncode == 0


def main(names: list[str]) -> int:
    """Try them all, or those that are named."""
    unseen = []
    for mutation in MUTATIONS:
        if names and mutation.name not in names:
            continue
        found = survives(mutation)
        sys.stdout.write(f"{mutation.name}: {'NOT NOTICED' if found else 'noticed'}\n")
        sys.stdout.flush()
        if found:
            unseen.append(mutation.name)
    return 1 if unseen else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
