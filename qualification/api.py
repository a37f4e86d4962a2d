"""Working a lead by API: its score with reasons, activities, answers, disqualify, recycle. As one of our people."""

from typing import Any, ClassVar

from django.http import Http404
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from leadmgmt.core.errors import InvalidInput
from leadmgmt.core.now import now
from leads.api.serializers import LeadSerializer
from leads.api.views import person, shown_leads
from leads.models import Lead
from qualification import access
from qualification.models import Activity, Answer, Criteria, Question, Score
from qualification.services.activities import log_activity
from qualification.services.answers import give_answer
from qualification.services.disqualify import disqualify_lead
from qualification.services.recycle import recycle_lead
from qualification.services.score_reasons import told


class ScoreSerializer(serializers.ModelSerializer[Score]):
    """One scoring: the parts, the grade, and every point with its reason."""

    model = serializers.IntegerField(source="model.version", read_only=True)

    class Meta:
        model = Score
        fields = ("at", "model", "fit", "engagement", "grade", "win_probability", "win_low", "win_high", "reasons")
        read_only_fields = fields

    def to_representation(self, instance: Score) -> dict[str, Any]:
        """The weightiest reasons first, in words."""
        found = super().to_representation(instance)
        return {**found, "reasons": told(instance)}


class ActivitySerializer(serializers.ModelSerializer[Activity]):
    """One call, e-mail, note or meeting."""

    by = serializers.EmailField(source="by.email", read_only=True, allow_null=True)

    class Meta:
        model = Activity
        fields = ("id", "kind", "disposition", "body", "due_at", "at", "by")
        read_only_fields = ("id", "at")
        extra_kwargs: ClassVar[dict[str, Any]] = {"due_at": {"required": False}}


class AnswerSerializer(serializers.ModelSerializer[Answer]):
    """One answer; `question` is the question's key in the framework in force, such as `budget`."""

    question = serializers.CharField(source="question.key")
    by = serializers.EmailField(source="by.email", read_only=True, allow_null=True)

    class Meta:
        model = Answer
        fields = ("id", "question", "value", "is_met", "evidence", "quote", "confidence", "at", "by")
        read_only_fields = ("id", "at")
        # The service names what is wrong with a value; here only its kind counts.
        extra_kwargs: ClassVar[dict[str, Any]] = {"is_met": {"default": True}}


class DisqualifySerializer(serializers.Serializer[Any]):
    """Why this is nothing for us: the code of a governed reason."""

    reason = serializers.CharField(max_length=40)
    note = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class RecycleSerializer(DisqualifySerializer):
    """Why not now; without `wake_on` the reason's own pause counts."""

    wake_on = serializers.DateField(required=False, allow_null=True, default=None)


def _lead(request: Request, lead_id: int) -> Lead:
    return access.workable_lead(person(request), lead_id)


def _read(serializer: serializers.Serializer[Any]) -> dict[str, Any]:
    serializer.is_valid(raise_exception=True)
    found: dict[str, Any] = dict(serializer.validated_data)
    return found


def _shown(request: Request, lead_id: int) -> Response:
    """The lead as it stands after the change."""
    lead = shown_leads(person(request)).get(pk=lead_id)
    return Response(LeadSerializer(lead, context={"request": request}).data)


@extend_schema(responses=ScoreSerializer, operation_id="leads_score_retrieve")
@api_view(["GET"])
def lead_score(request: Request, lead_id: int) -> Response:
    """The newest score of a lead; 404 before the first scoring."""
    lead = access.visible_lead(person(request), lead_id)
    score = Score.objects.filter(lead=lead).select_related("model").order_by("-at", "-pk").first()
    if score is None:
        raise Http404
    return Response(ScoreSerializer(score).data)


@extend_schema(request=ActivitySerializer, responses={201: ActivitySerializer}, operation_id="leads_activities_create")
@api_view(["POST"])
def lead_activities(request: Request, lead_id: int) -> Response:
    """Log what was done; anything but a note counts as a touch."""
    lead = _lead(request, lead_id)
    said = _read(ActivitySerializer(data=request.data))
    activity = log_activity(
        lead.pk,
        said["kind"],
        by=person(request),
        disposition=said.get("disposition", ""),
        body=said.get("body", ""),
        due_at=said.get("due_at"),
        at=now(),
    )
    return Response(ActivitySerializer(activity).data, status=201)


@extend_schema(request=AnswerSerializer, responses={201: AnswerSerializer}, operation_id="leads_answers_create")
@api_view(["POST"])
def lead_answers(request: Request, lead_id: int) -> Response:
    """Answer one question; the answer before it is kept. Enough answers make the lead an SQL by themselves."""
    lead = _lead(request, lead_id)
    said = _read(AnswerSerializer(data=request.data))
    question = question_in_force(said["question"]["key"])
    answer = give_answer(
        lead.pk,
        question.pk,
        said["value"],
        by=person(request),
        evidence=said.get("evidence", Answer.Evidence.NONE),
        quote=said.get("quote", ""),
        confidence=said.get("confidence", 3),
        is_met=said.get("is_met", True),
        at=now(),
    )
    return Response(AnswerSerializer(answer).data, status=201)


def question_in_force(key: str) -> Question:
    """The question of the published SQL criteria's framework; InvalidInput names those there are."""
    asked = Question.objects.filter(
        framework__criteria__kind=Criteria.Kind.SQL, framework__criteria__status=Criteria.Status.PUBLISHED
    )
    found = asked.filter(key=key).first()
    if found is None:
        told = _("One of: %(keys)s.") % {"keys": ", ".join(asked.values_list("key", flat=True)) or "–"}
        raise InvalidInput(_("There is no such question."), fields={"question": told})
    return found


@extend_schema(request=DisqualifySerializer, responses=LeadSerializer, operation_id="leads_disqualify_create")
@api_view(["POST"])
def lead_disqualify(request: Request, lead_id: int) -> Response:
    """Close the lead for a governed reason."""
    lead = _lead(request, lead_id)
    said = _read(DisqualifySerializer(data=request.data))
    disqualify_lead(lead.pk, said["reason"], by=person(request), note=said["note"], at=now())
    return _shown(request, lead.pk)


@extend_schema(request=RecycleSerializer, responses=LeadSerializer, operation_id="leads_recycle_create")
@api_view(["POST"])
def lead_recycle(request: Request, lead_id: int) -> Response:
    """Put the lead to sleep until its date."""
    lead = _lead(request, lead_id)
    said = _read(RecycleSerializer(data=request.data))
    recycle_lead(lead.pk, said["reason"], by=person(request), wake_on=said["wake_on"], note=said["note"], at=now())
    return _shown(request, lead.pk)
