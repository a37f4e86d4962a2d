"""Reading and editing leads by API, as one of our people."""

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics
from rest_framework.decorators import api_view, permission_classes
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.pagination import CursorPagination
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from leadmgmt.core.now import now
from leads.api.filters import LeadFilter
from leads.api.serializers import (
    CaptureSerializer,
    FeedSerializer,
    LeadEditSerializer,
    LeadEventSerializer,
    LeadSerializer,
)
from leads.models import ApiKey, Capture, Lead, LeadEvent, User
from leads.services.edit import edit_lead
from leads.services.feed import events_after

MOST_EVENTS = 500


class LeadPages(CursorPagination):
    """Newest first; stable while leads come in."""

    page_size = 50
    max_page_size = 200
    page_size_query_param = "page_size"
    ordering = "-pk"


class EventPages(CursorPagination):
    """A lead's history, newest first."""

    page_size = 100
    max_page_size = 500
    page_size_query_param = "page_size"
    ordering = ("-at", "-pk")


class HasKeyOrPerson(BasePermission):
    """Any valid key, also one that only captures, or somebody signed in."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether anybody is there."""
        return isinstance(request.auth, ApiKey) or bool(request.user and request.user.is_authenticated)


def person(request: Request) -> User:
    """Whose eyes these are; the permission has made sure that there is somebody."""
    assert isinstance(request.user, User)  # noqa: S101  # for the type checker; IsAuthenticated stands before
    return request.user


def shown_leads(user: User) -> QuerySet[Lead]:
    """Leads with all that the serializer shows."""
    return (
        Lead.objects.visible_to(user)
        .with_people()
        .select_related("team", "ae")
        .prefetch_related("contact__identities__channel")
    )


class LeadList(generics.ListAPIView[Lead]):
    """Leads that the key's person may see, newest first, page by page."""

    serializer_class = LeadSerializer
    pagination_class = LeadPages
    filterset_class = LeadFilter
    queryset = Lead.objects.none()

    def get_queryset(self) -> QuerySet[Lead]:
        """Only what this person may see."""
        return shown_leads(person(self.request))


class LeadDetail(APIView):
    """One lead."""

    @extend_schema(responses=LeadSerializer)
    def get(self, request: Request, pk: int) -> Response:
        """The lead with its person, company, score and owner."""
        lead = get_object_or_404(shown_leads(person(request)), pk=pk)
        return Response(LeadSerializer(lead, context={"request": request}).data)

    @extend_schema(request=LeadEditSerializer, responses=LeadSerializer)
    def patch(self, request: Request, pk: int) -> Response:
        """Correct what is known; a person's word wins over every other origin."""
        user = person(request)
        lead = get_object_or_404(Lead.objects.visible_to(user), pk=pk)
        change = LeadEditSerializer(data=request.data)
        change.is_valid(raise_exception=True)
        said: dict[str, Any] = change.validated_data
        edit_lead(
            lead.pk,
            contact=said.get("contact", {}),
            company=said.get("company", {}),
            subject=said.get("subject"),
            by=user,
            at=now(),
        )
        return self.get(request, pk)


class LeadEventList(generics.ListAPIView[LeadEvent]):
    """A lead's history, newest first."""

    serializer_class = LeadEventSerializer
    pagination_class = EventPages
    filter_backends = ()
    queryset = LeadEvent.objects.none()

    def get_queryset(self) -> QuerySet[LeadEvent]:
        """Only of a lead that this person may see."""
        lead = get_object_or_404(Lead.objects.visible_to(person(self.request)), pk=self.kwargs["pk"])
        return LeadEvent.objects.filter(lead=lead).select_related("actor")


@extend_schema(
    parameters=[
        OpenApiParameter("after", str, description="The cursor of the last event seen, or `next` of the last answer."),
        OpenApiParameter("limit", int, description="At most so many events, 500 at the most."),
    ],
    responses=FeedSerializer,
)
@api_view(["GET"])
def event_feed(request: Request) -> Response:
    """All events of all leads in one order, to be read on and on; none is skipped, however late it was committed."""
    cursor = _number(request, "after", 0, 2**62)
    limit = _number(request, "limit", 100, MOST_EVENTS)
    page = events_after(person(request), cursor, max(1, limit))
    rows = LeadEventSerializer(page.events, many=True).data
    return Response({"results": rows, "next": str(page.next), "more": page.more})


def _number(request: Request, name: str, default: int, most: int) -> int:
    text = request.query_params.get(name) or str(default)
    if not (text.isascii() and text.isdecimal()) or int(text) > most:
        raise ValidationError({name: [_("A whole number from 0 to %(most)d is expected.") % {"most": most}]})
    return int(text)


@extend_schema(responses=CaptureSerializer)
@api_view(["GET"])
@permission_classes([HasKeyOrPerson])
def capture_detail(request: Request, pk: str) -> Response:
    """What became of a submission: for the key of its channel, and for who may see its lead."""
    capture = get_object_or_404(Capture.objects.select_related("channel", "lead", "lead__owner"), pk=pk)
    key = request.auth
    own = isinstance(key, ApiKey) and key.channel_id == capture.channel_id
    user = request.user if isinstance(request.user, User) else None
    if not own and not (user and capture.lead and Lead.objects.visible_to(user).filter(pk=capture.lead.pk).exists()):
        raise NotFound
    return Response(CaptureSerializer(capture).data)
