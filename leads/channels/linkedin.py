"""LinkedIn Lead Gen Forms: the webhook says that there is a response, LinkedIn's API what was answered."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from django.http import HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from leadmgmt.core.errors import PermanentError
from leads.channels import signatures
from leads.channels.asking import ask
from leads.channels.base import Call, Delivery, Hook, NotACall, SetAside, Setting, Setup
from leads.channels.tree import Answers, at, entries, milliseconds, text
from leads.models import Capture

API, VERSION = "https://api.linkedin.com", "202510"
FIELDS = {
    "FIRST_NAME": "first_name",
    "LAST_NAME": "last_name",
    "EMAIL": "email",
    "WORK_EMAIL": "email",
    "PHONE_NUMBER": "phone",
    "WORK_PHONE_NUMBER": "phone",
    "COMPANY_NAME": "company",
    "JOB_TITLE": "job_title",
    "STATE": "region",
    "POSTAL_CODE": "postal_code",
    "CITY": "city",
    "COUNTRY": "country",
    "COMPANY_WEBSITE": "website",
}


class LinkedIn(Hook):
    """Notifications of new responses."""

    about = gettext_lazy(
        "Register the address as a webhook of your LinkedIn app, then subscribe the ad account to lead notifications."
    )
    settings = (
        Setting(
            "client_secret",
            gettext_lazy("Client secret"),
            gettext_lazy("The app's own; it answers challenges and signs every call."),
            kind="secret",
            is_required=True,
        ),
        Setting(
            "token",
            gettext_lazy("Access token"),
            gettext_lazy("With the right r_marketing_leadgen_automation: by it the answers are fetched."),
            kind="secret",
            is_required=True,
        ),
        Setting("api", gettext_lazy("API"), placeholder=API),
        Setting("version", gettext_lazy("Version of the API"), placeholder=VERSION),
    )

    def challenge(self, call: Call, setup: Setup) -> HttpResponse:
        """Prove that we know the client secret."""
        code = call.query.get("challengeCode", "")
        if not code or len(code) > 200:
            raise NotACall(_("A challengeCode is expected."))
        response = signatures.hexadecimal(setup.secret("client_secret"), code.encode())
        return JsonResponse({"challengeCode": code, "challengeResponse": response})

    def verify(self, call: Call, setup: Setup) -> None:
        """Over "hmacsha256=" and the body; whether that word stands in the header too is not clear, so both count."""
        sign = signatures.hexadecimal(setup.secret("client_secret"), b"hmacsha256=" + call.body)
        signatures.check(call, "X-LI-Signature", sign, f"hmacsha256={sign}")

    def deliveries(self, call: Call, setup: Setup) -> Sequence[Delivery]:
        """One for a response that was made or withdrawn."""
        told = call.object()
        if told.get("type") != "LEAD_ACTION":
            return []
        number = text(told.get("leadGenFormResponse")).rpartition(":")[2]
        if not number:
            raise NotACall(_("The call names no leadGenFormResponse."))
        aside = None
        if told.get("leadAction") == "DELETED":
            words = _("The person has withdrawn the answers at LinkedIn: erase what was kept of them.")
            aside = SetAside("ignored", "withdrawn", words)
        elif told.get("leadAction") != "CREATED":
            return []
        return [
            Delivery(told, external_id=number, occurred_at=milliseconds(told.get("occurredAt")), aside=aside),
        ]

    def needs_answer(self, capture: Capture) -> bool:
        """Always: the webhook holds ids alone."""
        return True

    def fetch(self, capture: Capture, setup: Setup) -> Any:
        """The response, and its form where the names of the questions are not in it."""
        number = text(capture.payload.get("leadGenFormResponse")).rpartition(":")[2]
        found = self._ask(setup, f"leadFormResponses/{quote(number, safe='')}")
        if not isinstance(at(found, "formResponse", "answers"), list):
            raise PermanentError("LinkedIn's answer holds no formResponse.")
        if not entries(found, "form", "content", "questions"):
            form = text(capture.payload.get("leadGenForm")).rpartition(":")[2]
            found["form"] = self._ask(setup, f"leadForms/{quote(form, safe='')}")
        return found

    def _ask(self, setup: Setup, path: str) -> dict[str, Any]:
        base = (setup.text("api") or API).rstrip("/")
        headers = {
            "Authorization": f"Bearer {setup.secret('token')}",
            "LinkedIn-Version": setup.text("version") or VERSION,
            "X-Restli-Protocol-Version": "2.0.0",
        }
        return ask(f"{base}/rest/{path}", headers=headers, service="LinkedIn")

    def read(self, capture: Capture) -> Mapping[str, Any]:
        """Answers carry the number of their question; its name comes from the form."""
        told = capture.fetched
        if at(told, "testLead") is True:
            raise SetAside("test", "test", _("Sent as a test by LinkedIn."))
        questions = {text(one.get("questionId")): one for one in entries(told, "form", "content", "questions")}
        answers = Answers()
        for one in entries(told, "formResponse", "answers"):
            number = text(one.get("questionId"))
            question = questions.get(number, {})
            name = text(question.get("predefinedField"))
            label = text(question.get("name")) or text(question.get("label")) or name or f"question {number}"
            answers.take(label, _answer(at(one, "answerDetails")), field=FIELDS.get(name, ""))
        for one in entries(told, "form", "hiddenFields"):
            answers.take(one.get("name"), one.get("value"))
        said = [one.get("accepted") for one in entries(told, "formResponse", "consentResponses")]
        consent = {"email": all(said)} if said and all(isinstance(one, bool) for one in said) else {}
        campaign = text(answers.others.get("campaign"))
        return answers.payload(source="linkedin", campaign=campaign, subject="lead ad", consent=consent)


def _answer(details: Any) -> Any:
    """Text as it is, choices as a list."""
    if words := text(at(details, "textQuestionAnswer", "answer")):
        return words
    return at(details, "multipleChoiceAnswer", "options")
