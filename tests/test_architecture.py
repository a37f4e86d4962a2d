"""The house rules that a machine can hold us to: import direction, sizes, and what must not appear anywhere."""

import ast
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from tests.worker import ROOT

# Imports go to the left only.
LAYERS = ("leadmgmt.core", "leads", "routing", "qualification", "crmsync", "leadmgmt")
PACKAGES = ("leadmgmt", "leads", "routing", "qualification", "crmsync")

MOST_FILE_LINES = 400
MOST_FUNCTION_LINES = 50
MOST_TEMPLATE_LINES = 150

# Who may come in without signing in, and why each has its own way of knowing whom it serves.
OPEN_TO_ALL = {
    "login": "the door itself",
    "logout": "nothing to protect",
    "admin_login": "leads to the door",
    "password_forgotten": "for people who cannot sign in",
    "password_renew": "the link carries a token",
    "consent": "the link carries a token",
    "mail_stop": "the link carries a token",
    "mail_click": "the link carries a token",
    "calendar": "the link carries a token",
    "set_language": "a preference",
    "healthz": "for machines that watch",
    "readyz": "for machines that watch",
    "metrics": "has its own token",
}
# Addresses below these are guarded by keys and signatures, tested where they live.
OTHER_GUARDS = ("admin/", "api/", "f/", "static/")


def modules(*, tests: bool = False, migrations: bool = False) -> list[Path]:
    """Our Python files."""
    roots = [ROOT / name for name in (*PACKAGES, "bench", *(["tests"] if tests else []))]
    files = [file for root in roots for file in root.rglob("*.py")]
    return sorted(file for file in files if migrations or "migrations" not in file.parts)


def templates() -> list[Path]:
    """Our pages; mails are not pages and have no style sheet to lean on."""
    folders = [ROOT / "templates", *(ROOT / name / "templates" for name in PACKAGES)]
    return sorted(file for folder in folders for file in folder.rglob("*.html") if "mail" not in file.stem)


def name_of(file: Path) -> str:
    """The dotted name of a module."""
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def layer_of(module: str) -> int | None:
    """How far to the right a module stands; None if it is not ours."""
    if module == "leadmgmt.core" or module.startswith("leadmgmt.core."):
        return 0
    top = module.split(".")[0]
    return LAYERS.index(top) if top in LAYERS else None


def imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every import in a file, those inside functions too, as line and module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: say the whole name instead of dots"
            # "from leadmgmt import core" means leadmgmt.core.
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield node.lineno, whole if node.module == "leadmgmt" and alias.name == "core" else node.module or ""


def parse(file: Path) -> ast.Module:
    """The file's syntax tree."""
    return ast.parse(file.read_text(), filename=str(file))


def told(found: list[str]) -> str:
    """A failure's message: one breach per line."""
    return "\n" + "\n".join(found)


def at(file: Path, line: int) -> str:
    """Where something is."""
    return f"{file.relative_to(ROOT)}:{line}"


def test_imports_go_one_way() -> None:
    found = []
    for file in modules():
        own = layer_of(name_of(file))
        if own is None:
            continue
        for line, module in imports(parse(file)):
            other = layer_of(module)
            if other is not None and other > own:
                found.append(f"{at(file, line)} imports {module}")
    assert not found, told(found)


def test_the_import_rule_sees_what_it_shall_see() -> None:
    code = "import crmsync.models\ndef f():\n    from leadmgmt.pipeline import STEPS\nfrom leadmgmt import core\n"
    seen = [layer_of(module) for _, module in imports(ast.parse(code))]
    assert sorted(layer for layer in seen if layer is not None) == [0, 4, 5]


def test_files_are_not_too_long() -> None:
    found = [
        f"{file.relative_to(ROOT)} has {lines} lines"
        for file in modules(tests=True)
        if (lines := len(file.read_text().splitlines())) > MOST_FILE_LINES
    ]
    assert not found, told(found)


def test_functions_are_not_too_long() -> None:
    found = []
    for file in modules():
        for node in ast.walk(parse(file)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > MOST_FUNCTION_LINES:
                    found.append(f"{at(file, node.lineno)} {node.name} has {lines} lines")
    assert not found, told(found)


def test_every_module_says_what_it_is_for() -> None:
    found = [
        str(file.relative_to(ROOT))
        for file in modules(tests=True)
        if file.read_text().strip() and not ast.get_docstring(parse(file))
    ]
    assert not found, told(found)


def test_the_queue_has_one_door() -> None:
    found = []
    for file in modules():
        if layer_of(name_of(file)) == 0:
            continue
        found += [f"{at(file, line)}" for line, module in imports(parse(file)) if module.split(".")[0] == "django_q"]
    assert not found, told(found)


FORBIDDEN = {
    "django.dispatch": "no signals: what happens next stands in leadmgmt/pipeline.py",
    "django.db.models.signals": "no signals: what happens next stands in leadmgmt/pipeline.py",
    "django_fsm.signals": "no signals: what happens next stands in leadmgmt/pipeline.py",
    "django.contrib.contenttypes.fields": "no generic foreign keys: the database cannot check them",
}


def test_no_signals_and_no_generic_foreign_keys() -> None:
    found = [
        f"{at(file, line)} {FORBIDDEN[module]}"
        for file in modules()
        for line, module in imports(parse(file))
        if module in FORBIDDEN
    ]
    assert not found, told(found)


def test_only_the_lifecycle_moves_a_stage() -> None:
    found = []
    for file in modules():
        for node in ast.walk(parse(file)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                words = {keyword.arg for keyword in node.keywords}
                if node.func.attr in ("update", "update_or_create") and "stage" in words and moves_leads(node.func):
                    found.append(f"{at(file, node.lineno)} updates a stage past the lifecycle")
    assert not found, told(found)


def moves_leads(call: ast.Attribute) -> bool:
    """Whether an update may concern leads: an opportunity has a stage of its own, which mirrors the CRM's."""
    source = ast.unparse(call.value)
    return not source.startswith(("Opportunity.", "BoardDeal.", "StageMap."))


def test_exceptions_from_the_rules_give_a_reason() -> None:
    found = []
    for file in modules():
        with file.open("rb") as source:
            for token in tokenize.tokenize(source.readline):
                if token.type == tokenize.COMMENT and re.search(r"#\s*(noqa|type:\s*ignore)", token.string):
                    excuse = re.sub(r"#\s*(noqa(:[ A-Z0-9,]+)?|type:\s*ignore(\[[\w, -]+\])?)", "", token.string)
                    if len(excuse.strip("# ")) < 5:
                        found.append(f"{at(file, token.start[0])} {token.string}")
    assert not found, told(found)


def test_nothing_is_left_to_do() -> None:
    word = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
    files = [*modules(tests=True), *templates()]
    found = [
        at(file, number)
        for file in files
        for number, line in enumerate(file.read_text().splitlines(), 1)
        if word.search(line)
    ]
    assert not found, told(found)


def test_templates_are_not_too_long() -> None:
    found = [
        f"{file.relative_to(ROOT)} has {lines} lines"
        for file in templates()
        if (lines := len(file.read_text().splitlines())) > MOST_TEMPLATE_LINES
    ]
    assert not found, told(found)


@pytest.mark.parametrize(
    ("what", "pattern"),
    [
        ("an inline style", r"<style\b|\sstyle\s*="),
        ("an inline script", r"<script(?![^>]*\bsrc=)(?![^>]*type=\"application/json\")[^>]*>"),
        ("an inline handler", r"\son(click|change|submit|load|input|key\w+|focus|blur)\s*="),
        ("an inline handler of htmx", r"\shx-on[:-]"),
        ("something from elsewhere", r"<(script|link|img|iframe)\b[^>]*(src|href)\s*=\s*[\"'](https?:)?//"),
    ],
)
def test_templates_hold_nothing_that_the_content_policy_forbids(what: str, pattern: str) -> None:
    found = [
        f"{at(file, file.read_text()[: match.start()].count(chr(10)) + 1)} has {what}: {match.group()[:60]}"
        for file in templates()
        for match in re.finditer(pattern, file.read_text())
    ]
    assert not found, told(found)


def addresses(patterns: list[URLPattern | URLResolver], before: str = "") -> Iterator[tuple[str, str]]:
    """Every address with a value for each of its parts, and its name."""
    for pattern in patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern.url_patterns, route)
        else:
            yield sample(route), pattern.name or ""


def sample(route: str) -> str:
    """An address that fits the route."""
    values = {"int": "1", "uuid": "00000000-0000-4000-8000-000000000000"}
    return re.sub(r"<(?:(\w+):)?\w+>", lambda part: values.get(part.group(1) or "str", "x"), route)


@pytest.mark.django_db
def test_strangers_are_sent_to_the_sign_in() -> None:
    client, found, guarded = Client(), [], 0
    for address, name in addresses(get_resolver().url_patterns):
        if name in OPEN_TO_ALL or address.startswith(OTHER_GUARDS):
            continue
        answer = client.get(f"/{address}")
        if answer.status_code == 405:
            answer = client.post(f"/{address}")
        if answer.status_code == 302 and answer["Location"].startswith("/login/"):
            guarded += 1
        else:
            found.append(f"/{address} ({name}) answers a stranger with {answer.status_code}")
    assert not found, told(found)
    assert guarded > 5
