"""The door and the profile."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.test import Client, RequestFactory
from django.utils import timezone
from django_q.models import OrmQ

from leadmgmt.password_reset import send_link
from leads.models import SignInFailure, User
from leads.services.sign_in import LINKS, PER_PERSON, PER_PERSON_AND_PLACE, try_sign_in
from tests.factories import PASSWORD, make_organisation, make_user


def sign_in(client: Client, email: str, password: str = PASSWORD, **more: Any) -> Any:
    return client.post("/login/", {"email": email, "password": password, **more})


@pytest.mark.django_db
def test_a_person_signs_in_whatever_the_case_of_the_address(client: Client) -> None:
    ann = make_user("sdr", email="ann@ours.example")

    answer = sign_in(client, " Ann@Ours.Example ", next="/profile/")

    assert (answer.status_code, answer["Location"]) == (302, "/profile/")
    assert int(client.session["_auth_user_id"]) == ann.pk
    assert client.session.get_expire_at_browser_close()


@pytest.mark.django_db
def test_staying_signed_in_lasts_seven_days(client: Client) -> None:
    make_user(email="ann@ours.example")

    sign_in(client, "ann@ours.example", stay="on", next="/profile/")

    assert client.session.get_expiry_age() == 7 * 86_400


@pytest.mark.django_db
def test_the_door_names_the_organisation_and_works_without_scripts(client: Client) -> None:
    make_organisation(name="Flinkwerk GmbH")

    page = client.get("/login/").content.decode()

    assert "Flinkwerk GmbH" in page
    assert "<script" not in page
    assert 'autocomplete="current-password"' in page


@pytest.mark.django_db
def test_a_wrong_password_is_refused_under_the_field(client: Client) -> None:
    make_user(email="ann@ours.example")

    answer = sign_in(client, "ann@ours.example", "guess")

    assert answer.status_code == 422
    assert "E-mail and password do not match. 4 tries left." in answer.content.decode()
    assert 'aria-describedby="id_password_error"' in answer.content.decode()
    assert "_auth_user_id" not in client.session


@pytest.mark.django_db
def test_a_stranger_gets_the_same_answer_as_a_colleague(client: Client) -> None:
    answer = sign_in(client, "nobody@ours.example", "guess")

    assert "E-mail and password do not match. 4 tries left." in answer.content.decode()


@pytest.mark.django_db
def test_after_five_failures_even_the_right_password_waits(client: Client) -> None:
    make_user(email="ann@ours.example")
    for _ in range(PER_PERSON_AND_PLACE - 1):
        sign_in(client, "ann@ours.example", "guess")
    last = sign_in(client, "ann@ours.example", "guess")

    answer = sign_in(client, "ann@ours.example")

    assert "Too many tries have failed. Try again in 15 minutes." in last.content.decode()
    assert "Too many tries have failed." in answer.content.decode()
    assert "_auth_user_id" not in client.session


@pytest.mark.django_db
def test_after_a_quarter_of_an_hour_the_door_opens_again(rf: RequestFactory) -> None:
    make_user(email="ann@ours.example")
    at, request = timezone.now(), rf.post("/login/")
    for _ in range(PER_PERSON_AND_PLACE):
        try_sign_in(request, email="ann@ours.example", password="guess", place="1.1.1.1", at=at)

    early = try_sign_in(
        request, email="ann@ours.example", password=PASSWORD, place="1.1.1.1", at=at + timedelta(minutes=14)
    )
    later = try_sign_in(
        request, email="ann@ours.example", password=PASSWORD, place="1.1.1.1", at=at + timedelta(minutes=16)
    )

    assert early.blocked_until == at + timedelta(minutes=15)
    assert early.user is None
    assert later.user is not None


@pytest.mark.django_db
def test_a_guesser_elsewhere_does_not_lock_the_person_out_at_once(rf: RequestFactory) -> None:
    make_user(email="ann@ours.example")
    at, request = timezone.now(), rf.post("/login/")
    for _ in range(PER_PERSON_AND_PLACE):
        try_sign_in(request, email="ann@ours.example", password="guess", place="6.6.6.6", at=at)

    ann = try_sign_in(request, email="ann@ours.example", password=PASSWORD, place="1.1.1.1", at=at)

    assert ann.user is not None


@pytest.mark.django_db
def test_guessers_everywhere_together_meet_a_limit(rf: RequestFactory) -> None:
    at, request = timezone.now(), rf.post("/login/")
    for number in range(PER_PERSON):
        try_sign_in(request, email="ann@ours.example", password="guess", place=f"6.6.6.{number}", at=at)

    answer = try_sign_in(request, email="ann@ours.example", password="guess", place="7.7.7.7", at=at)

    assert answer.blocked_until == at + timedelta(minutes=15)


@pytest.mark.django_db(transaction=True)
def test_parallel_guesses_do_not_get_past_the_limit() -> None:
    make_user(email="ann@ours.example")
    at = timezone.now()

    def guess(number: int) -> bool:
        try:
            request = RequestFactory().post("/login/")
            answer = try_sign_in(request, email="ann@ours.example", password=str(number), place="6.6.6.6", at=at)
            return answer.blocked_until is None or answer.left == 0
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(guess, range(16)))

    assert SignInFailure.objects.count() == 3 * PER_PERSON_AND_PLACE


@pytest.mark.django_db
def test_no_address_is_stored_with_a_failure(client: Client) -> None:
    sign_in(client, "ann@ours.example", "guess")

    subjects = SignInFailure.objects.values_list("subject", flat=True)

    assert len(subjects) == 3
    assert not any("ann" in subject or "127.0" in subject for subject in subjects)


@pytest.mark.django_db
def test_old_failures_are_forgotten(rf: RequestFactory) -> None:
    at = timezone.now()
    SignInFailure.objects.create(subject="old", at=at - timedelta(days=2))

    try_sign_in(rf.post("/login/"), email="x@ours.example", password="x", place="1.1.1.1", at=at)

    assert not SignInFailure.objects.filter(subject="old").exists()


@pytest.mark.django_db
@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_the_door_leads_to_our_own_pages_only(client: Client, target: str) -> None:
    make_user(email="ann@ours.example")

    answer = sign_in(client, "ann@ours.example", next=target)

    assert "evil" not in answer["Location"]
    assert "javascript" not in answer["Location"]


@pytest.mark.django_db
def test_the_admin_has_the_same_door(client: Client) -> None:
    answer = client.get("/admin/", follow=True)

    assert answer.redirect_chain[-1][0] == "/login/?next=%2Fadmin%2F"


@pytest.mark.django_db
def test_who_may_not_open_the_admin_is_told_so_instead_of_sent_in_circles(client: Client) -> None:
    client.force_login(make_user("sdr", first_name="Ann", last_name="Ahlers"))

    answer = client.get("/admin/", follow=True)

    assert answer.status_code == 200
    assert "Ann Ahlers is signed in, but may not open that page." in answer.content.decode()


@pytest.mark.django_db
def test_signing_out_takes_a_click_not_a_link(client: Client) -> None:
    client.force_login(make_user())

    assert client.get("/logout/").status_code == 405
    assert client.post("/logout/")["Location"] == "/login/"
    assert "_auth_user_id" not in client.session


@pytest.mark.django_db
def test_the_profile_changes_how_the_pages_look_and_speak(client: Client) -> None:
    ann = make_user(first_name="Ann", last_name="Ahlers")
    client.force_login(ann)

    answer = client.post(
        "/profile/",
        {
            "first_name": "Anna",
            "last_name": "Ahlers",
            "language": "de",
            "time_zone": "America/New_York",
            "theme": "dark",
            "density": "roomy",
        },
        follow=True,
    )

    page = answer.content.decode()
    ann.refresh_from_db()
    assert (ann.first_name, ann.time_zone, ann.keys_enabled) == ("Anna", "America/New_York", False)
    assert '<html lang="de" data-theme="dark" data-density="roomy" data-keys="off">' in page


@pytest.mark.django_db
def test_a_refused_profile_changes_nothing(client: Client) -> None:
    ann = make_user()
    client.force_login(ann)

    answer = client.post(
        "/profile/",
        {"first_name": "Zed", "language": "de", "time_zone": "Mars/Base", "theme": "dark", "density": "roomy"},
    )

    ann.refresh_from_db()
    assert answer.status_code == 422
    assert "data-theme" not in answer.content.decode().split(">", 3)[1]
    assert (ann.first_name, ann.theme) == ("Person", "system")


@pytest.mark.django_db
def test_nobody_gives_themselves_rights_through_the_profile(client: Client) -> None:
    ann = make_user()
    client.force_login(ann)

    client.post(
        "/profile/",
        {
            "language": "en",
            "time_zone": "Europe/Berlin",
            "theme": "light",
            "density": "compact",
            "is_staff": "on",
            "is_superuser": "on",
            "email": "boss@ours.example",
        },
    )

    ann.refresh_from_db()
    assert ann.theme == "light"
    assert not ann.is_staff
    assert not ann.is_superuser
    assert ann.email != "boss@ours.example"


@pytest.mark.django_db
def test_the_theme_button_keeps_its_choice(client: Client) -> None:
    ann = make_user()
    client.force_login(ann)

    client.post("/profile/theme/", {"theme": "dark"})
    client.post("/profile/theme/", {"theme": "pink"})

    ann.refresh_from_db()
    assert ann.theme == "dark"


@pytest.mark.django_db
def test_a_new_password_ends_other_sessions_but_not_this_one(client: Client) -> None:
    ann = make_user()
    client.force_login(ann)
    elsewhere = Client()
    elsewhere.force_login(ann)
    new = "quite another battery"

    client.post("/profile/password/", {"old_password": PASSWORD, "new_password1": new, "new_password2": new})

    assert client.get("/profile/").status_code == 200
    assert elsewhere.get("/profile/").status_code == 302
    assert User.objects.get(pk=ann.pk).check_password(new)


@pytest.mark.django_db
def test_a_link_by_mail_sets_a_new_password_once(client: Client) -> None:
    ann = make_user(email="ann@ours.example")
    send_link(ann.pk)
    link = next(line for line in mail.outbox[0].body.splitlines() if line.startswith("http"))
    path = "/" + link.split("/", 3)[3]
    new = "quite another battery"

    answer = client.post(path, {"new_password1": new, "new_password2": new})

    assert mail.outbox[0].to == ["ann@ours.example"]
    assert answer["Location"] == "/login/"
    assert User.objects.get(pk=ann.pk).check_password(new)
    assert client.get(path).status_code == 410
    assert client.get("/password/new/xx/yy/").status_code == 410


@pytest.mark.django_db
def test_asking_for_a_link_does_not_tell_who_has_an_account(client: Client) -> None:
    make_user(email="ann@ours.example")

    known = client.post("/password/forgotten/", {"email": "ann@ours.example"})
    unknown = client.post("/password/forgotten/", {"email": "nobody@ours.example"})

    sentence = "If this address belongs to an account, the link is on its way."
    assert sentence in known.content.decode()
    assert sentence in unknown.content.decode()


@pytest.mark.django_db
def test_nobody_floods_a_mailbox_with_links(client: Client) -> None:
    make_user(email="ann@ours.example")

    for _ in range(LINKS + 2):
        client.post("/password/forgotten/", {"email": "Ann@ours.example"})

    assert OrmQ.objects.count() == LINKS


@pytest.mark.django_db
def test_the_door_speaks_german_when_asked_to(client: Client) -> None:
    client.post("/i18n/setlang/", {"language": "de", "next": "/login/"})

    assert '<html lang="de"' in client.get("/login/").content.decode()
