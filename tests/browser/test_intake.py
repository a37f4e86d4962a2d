"""Marketing's morning: a list is brought in, spam is decided on, two people are found to be one."""

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from leads.models import Channel, Contact, Duplicate, ImportRun, Lead
from leads.services.capture import receive
from leads.services.duplicates import find_duplicates
from leads.services.imports import run_file, try_file
from tests.browser.conftest import PHONE, Open
from tests.factories import make_channel, make_organisation, make_user
from tests.leads.shared import FOLDER, needs_dirty_data

pytestmark = pytest.mark.django_db(transaction=True)
SIZES = pytest.mark.parametrize("size", [(1440, 900), PHONE])


@needs_dirty_data
@SIZES
def test_a_list_from_a_german_excel_comes_in(open_page: Open, size: tuple[int, int]) -> None:
    make_organisation()
    Channel.objects.create(slug="files", name="Files", kind="import")
    page = open_page("/leads/import/", make_user("marketing"), size=size)
    path = FOLDER / "dirty" / "constructed" / "excel_de_cp1252_semicolon.csv"
    page.set_input_files("input[type=file]", str(path))
    page.get_by_role("button", name="Upload and look").click()
    expect(page.get_by_text("Müller & Söhne GmbH").first).to_be_visible()
    page.get_by_role("button", name="Try the whole file").click()
    run = ImportRun.objects.get()
    try_file(run.pk)
    expect(page.get_by_text("3 would be new leads")).to_be_visible()
    assert not Lead.objects.exists()
    page.get_by_role("button", name="Bring it in").click()
    run_file(run.pk)
    expect(page.get_by_role("button", name="Undo this import")).to_be_visible()
    assert Lead.objects.count() == 3
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]


@SIZES
def test_spam_is_released_with_a_click(open_page: Open, size: tuple[int, int]) -> None:
    make_organisation()
    receive(make_channel("website"), {"email": "ann@mailinator.com", "name": "Ann Dyk"})
    page = open_page("/setup/quarantine/", make_user("admin"), size=size)
    expect(page.get_by_text("The address is one for a day: mailinator.com.")).to_be_visible()
    page.get_by_role("listitem").get_by_role("button", name="Release", exact=True).click()
    expect(page.get_by_text("1 is a lead now.")).to_be_visible()
    assert Lead.objects.count() == 1
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]


def test_two_are_merged_by_keyboard_and_parted_again(open_page: Open) -> None:
    make_organisation()
    channel = make_channel("website")
    told = {"first_name": "Ann", "last_name": "Dyk", "company": "Firm GmbH"}
    receive(channel, {**told, "email": "ann@firm.example"})
    second = receive(channel, {**told, "email": "adyk@firm.example", "city": "Ulm"}).capture.contact
    assert second is not None
    find_duplicates(Contact.objects.select_related("company").get(pk=second.pk), timezone.now())
    page = open_page(f"/leads/duplicates/{Duplicate.objects.get().pk}/", make_user("admin"))
    page.keyboard.press("m")
    expect(page.get_by_text("Ann Dyk and Ann Dyk are merged.")).to_be_visible()
    assert Lead.objects.open().count() == 1
    page.get_by_role("button", name="Part again").click()
    expect(page.get_by_text("They are two again, as they were.")).to_be_visible()
    assert Lead.objects.open().count() == 2
