"""Bodies that are no JSON, no text or not whole: each is refused by name, at every address of the API."""

from io import BytesIO

import pytest
from django.test import Client

from leads.models import Capture
from leads.services.channels import create_api_key
from tests.factories import make_lead, make_user
from tests.leads.door import URL, Door, problem

pytestmark = pytest.mark.django_db


@pytest.fixture
def door() -> Door:
    return Door()


@pytest.mark.parametrize("charset", ["klingon", "undefined", "rot13"])
def test_a_charset_that_is_none_is_400(door: Door, charset: str) -> None:
    response = door.post({"email": "ann@firm.example", "name": "Änn"}, kind=f"application/json; charset={charset}")

    assert response.status_code == 400
    assert list(problem(response)) == ["body"]


def test_a_body_that_breaks_off_is_not_taken_for_the_whole(door: Door) -> None:
    body = b'{"email": "ann@firm.example"}'
    announced = {"CONTENT_LENGTH": str(len(body) + 10), "wsgi.input": BytesIO(body)}

    response = Client().generic("POST", URL, HTTP_AUTHORIZATION=f"Bearer {door.token}", **announced)

    assert response.status_code == 400
    assert list(problem(response)) == ["body"]
    assert not Capture.objects.exists()


def test_chunks_that_are_none_are_400(door: Door) -> None:
    class Broken(BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError("Invalid chunk size")

    chunked = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True, "wsgi.input": Broken()}

    response = Client().generic("POST", URL, HTTP_AUTHORIZATION=f"Bearer {door.token}", **chunked)

    assert response.status_code == 400
    assert list(problem(response)) == ["body"]


@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b'{"kind": ' + b"[" * 900 + b"]" * 900 + b"}", b'{"kind": NaN}', b"\xff", b"x" * 1_100_000]
)
def test_other_addresses_read_bodies_as_strictly(body: bytes) -> None:
    owner = make_user("sdr")
    _key, token = create_api_key("phone system", user=owner)
    lead = make_lead(owner=owner)

    response = Client().generic(
        "POST",
        f"/api/v1/leads/{lead.pk}/activities/",
        body,
        content_type="application/json",
        headers={"Authorization": f"Bearer {token}"},
    )

    assert response.status_code in (400, 413)
    assert list(problem(response)) == ["body"]
