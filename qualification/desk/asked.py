"""What is asked on the way to SQL: the framework in force with its questions, read once for a whole page."""

from dataclasses import dataclass, field

from django.db.models import Exists, OuterRef

from qualification.models import Criteria, Framework, Question


@dataclass(frozen=True)
class Asked:
    """The framework of the published SQL criteria, None without any, and its questions in their order."""

    framework: Framework | None = None
    questions: list[Question] = field(default_factory=list)

    @property
    def required(self) -> list[Question]:
        """What an SQL needs an answer to."""
        return [question for question in self.questions if question.is_required]


def asked() -> Asked:
    """One query; a second one only where there are no questions at all."""
    in_force = Criteria.objects.filter(kind=Criteria.Kind.SQL, status=Criteria.Status.PUBLISHED)
    binding = Exists(in_force.filter(framework=OuterRef("framework")))
    questions = list(Question.objects.filter(binding).select_related("framework").order_by("position", "pk"))
    if questions:
        return Asked(questions[0].framework, questions)
    criteria = in_force.select_related("framework").first()
    return Asked(criteria.framework if criteria else None)
