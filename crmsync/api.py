"""Converting a lead by API, as one of our people."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from crmsync.models import Opportunity
from crmsync.services.convert import convert_lead
from leadmgmt.core.now import now
from leads.api.views import person
from qualification.access import workable_lead


class OpportunitySerializer(serializers.ModelSerializer[Opportunity]):
    """The deal, and who has it."""

    id = serializers.UUIDField(source="uuid", read_only=True)
    lead = serializers.IntegerField(source="lead_id", read_only=True)
    owner = serializers.EmailField(source="owner.email", read_only=True, allow_null=True)

    class Meta:
        model = Opportunity
        fields = ("id", "lead", "name", "stage", "amount", "currency", "close_on", "owner", "created_at")
        read_only_fields = fields


@extend_schema(request=None, responses={201: OpportunitySerializer, 200: OpportunitySerializer})
@api_view(["POST"])
def lead_convert(request: Request, lead_id: int) -> Response:
    """Make an SQL an opportunity: 201, or 200 with the one that is there already."""
    user = person(request)
    lead = workable_lead(user, lead_id)
    known = Opportunity.objects.filter(lead=lead, stage=Opportunity.Stage.OPEN).exists()
    opportunity = convert_lead(lead.pk, by=user, at=now())
    code = status.HTTP_200_OK if known else status.HTTP_201_CREATED
    return Response(OpportunitySerializer(opportunity).data, status=code)
