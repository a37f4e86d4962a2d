"""What a fresh installation begins with: BANT, criteria, a scoring model and reasons. All of it can be changed."""

from django.db import transaction

from leads.models import Reason
from qualification.default_data import FRAMEWORK, MAIL_TEXTS, MQL, QUESTIONS, REASONS, SCORING, SQL
from qualification.models import Criteria, Framework, MailTemplate, Question, ScoringModel
from qualification.services.criteria import publish_criteria
from qualification.services.score import publish_model


def install_defaults() -> None:
    """Add what is missing; safe to run any number of times, and never changes what somebody has set up."""
    with transaction.atomic():
        _install_reasons()
        framework = _install_framework()
        _install_criteria(framework)
        if not MailTemplate.objects.exists():
            MailTemplate.objects.bulk_create(
                MailTemplate(name=name, language=language, subject=subject, body=body, position=place)
                for place, (name, language, subject, body) in enumerate(MAIL_TEXTS, 1)
            )
        if not ScoringModel.objects.exists():
            publish_model(ScoringModel.objects.create(version=1, rules=SCORING, half_life_days=14).pk)


def _install_reasons() -> None:
    for kind, reasons in REASONS.items():
        Reason.objects.bulk_create(
            [
                Reason(kind=kind, code=code, label_en=en, label_de=de, wake_after_days=days, position=10 * place)
                for place, (code, en, de, days) in enumerate(reasons, 1)
            ],
            ignore_conflicts=True,
        )


def _install_framework() -> Framework:
    framework = Framework.objects.filter(slug=FRAMEWORK["slug"], is_active=True).first()
    if framework is not None:
        return framework
    framework = Framework.objects.create(**FRAMEWORK)
    Question.objects.bulk_create(
        Question(framework=framework, position=place, **question) for place, question in enumerate(QUESTIONS, 1)
    )
    return framework


def _install_criteria(framework: Framework) -> None:
    for kind, settings in ((Criteria.Kind.MQL, MQL), (Criteria.Kind.SQL, SQL)):
        if Criteria.objects.filter(kind=kind).exists():
            continue
        made = Criteria.objects.create(
            kind=kind, version=1, framework=framework if kind == Criteria.Kind.SQL else None, **settings
        )
        publish_criteria(made.pk)
