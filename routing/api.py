"""The decision about a lead by API."""

from typing import Any

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from leads.api.views import person
from leads.models import Lead
from routing.models import Certificate
from routing.pages.certificate import verdict_text
from routing.services.inspect import document_of


class CertificateSerializer(serializers.Serializer[Any]):
    """One decision: facts, rules looked at, candidates with the gate that stopped them, the draw, the digest."""

    id = serializers.IntegerField()
    lead = serializers.IntegerField()
    rule_set = serializers.IntegerField(help_text="The version of the rules.")
    outcome = serializers.ChoiceField(choices=["assigned", "waiting", "disqualified", "unmatched"])
    decided_at = serializers.DateTimeField()
    rule = serializers.CharField(allow_null=True)
    pool = serializers.CharField(allow_null=True)
    owner = serializers.CharField(allow_null=True)
    sentence = serializers.CharField(help_text="Why it came out so.")
    facts = serializers.DictField()
    rules = serializers.ListField(child=serializers.DictField())
    candidates = serializers.ListField(child=serializers.DictField())
    draw = serializers.DictField()
    digest = serializers.CharField()
    verified = serializers.BooleanField(help_text="Whether running it again gives the same, from what is stored alone.")


@extend_schema(
    operation_id="leads_certificate_retrieve", responses=CertificateSerializer, summary="Why the lead went where it did"
)
@api_view(["GET"])
def lead_certificate(request: Request, lead_id: int) -> Response:
    """The newest routing decision about the lead, run again from what it recorded."""
    lead = get_object_or_404(Lead.objects.visible_to(person(request)), pk=lead_id)
    related = ("rule_set", "rule", "pool", "rep__user")
    certificate = Certificate.objects.filter(lead=lead).select_related(*related).order_by("-decided_at", "-pk").first()
    if certificate is None:
        raise NotFound(_("No rule has decided about this lead yet."))
    return Response(document_of(certificate) | {"sentence": verdict_text(certificate)})
