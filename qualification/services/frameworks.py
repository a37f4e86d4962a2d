"""Frameworks taken over ready made."""

from django.db import transaction
from django.utils.translation import gettext as _

from leadmgmt.core.errors import DomainError
from qualification.models import Framework, Question
from qualification.ready_made import READY_MADE, questions_of


class FrameworkExists(DomainError):
    """It is there already."""

    code = "framework_exists"


def take_over(slug: str) -> Framework:
    """Add a ready-made framework with its questions, to be chosen by criteria and changed at will."""
    if slug not in READY_MADE:
        raise DomainError(_("There is no ready-made framework of this name."))
    with transaction.atomic():
        if Framework.objects.select_for_update().filter(slug=slug).exists():
            raise FrameworkExists(_("This framework is there already."))
        framework = Framework.objects.create(slug=slug, name=READY_MADE[slug][0], version=1)
        Question.objects.bulk_create(Question(framework=framework, **question) for question in questions_of(slug))
        return framework
