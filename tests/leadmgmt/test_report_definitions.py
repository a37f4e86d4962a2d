"""What the columns of reports mean: said at each, and in a list at the end of the page."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.utils.html import escape

from leadmgmt.reports.definitions import DEFINITIONS, OF_REPORT
from leadmgmt.reports.subscriptions import SENTENCES
from tests.factories import make_user

TERM = re.compile(r'{% term "(\w+)" %}')
FOLDER = Path(settings.BASE_DIR) / "templates" / "reports"


def test_every_column_that_is_named_is_explained_and_no_other() -> None:
    used = {key for path in FOLDER.glob("*.html") for key in TERM.findall(path.read_text())}
    assert used <= set(DEFINITIONS)
    assert {key for keys in OF_REPORT.values() for key in keys} <= set(DEFINITIONS)
    assert set(DEFINITIONS) == used
    assert set(OF_REPORT) == set(SENTENCES)


@pytest.mark.django_db
@pytest.mark.parametrize("name", [name for name, keys in OF_REPORT.items() if keys])
def test_each_report_ends_with_what_its_columns_mean(client: Client, name: str) -> None:
    client.force_login(make_user("manager"))
    page = client.get(f"/reports/{name}/").content.decode()
    told = page.partition("What the columns mean")[2]
    for key in OF_REPORT[name]:
        assert escape(str(DEFINITIONS[key][1])) in told, key


@pytest.mark.django_db
def test_a_column_says_it_on_hover_too(client: Client) -> None:
    client.force_login(make_user("manager"))
    page = client.get("/reports/morning/").content.decode()
    assert '<abbr title="Mean of the twenty working days before.">usual</abbr>' in page
