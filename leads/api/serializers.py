"""How leads, captures and events look from outside."""

from typing import Any, ClassVar

from rest_framework import serializers

from leads.models import Capture, Company, Contact, Lead, LeadEvent, User
from leads.models.lead import Stage


class PersonSerializer(serializers.ModelSerializer[User]):
    """One of our people."""

    name = serializers.CharField(source="__str__", read_only=True)

    class Meta:
        model = User
        fields = ("id", "name", "email")
        read_only_fields = fields


class CompanySerializer(serializers.ModelSerializer[Company]):
    """The organisation."""

    class Meta:
        model = Company
        fields = ("id", "name", "domain", "country", "city", "industry", "staff", "revenue", "website", "is_customer")
        read_only_fields = fields


class ContactSerializer(serializers.ModelSerializer[Contact]):
    """The person."""

    external_ids = serializers.SerializerMethodField()
    is_reachable = serializers.BooleanField(read_only=True)

    class Meta:
        model = Contact
        fields = (
            "id",
            "email",
            "phone",
            "first_name",
            "last_name",
            "job_title",
            "seniority",
            "department",
            "country",
            "region",
            "postal_code",
            "city",
            "time_zone",
            "language",
            "attributes",
            "is_reachable",
            "external_ids",
        )
        read_only_fields = fields

    def get_external_ids(self, contact: Contact) -> dict[str, list[str]]:
        """The sources' own ids, by channel."""
        found: dict[str, list[str]] = {}
        for identity in contact.identities.all():
            found.setdefault(identity.channel.slug, []).append(identity.external_id)
        return found


class LeadScoreSerializer(serializers.ModelSerializer[Lead]):
    """Where the lead stands in numbers; null where it was not scored yet."""

    class Meta:
        model = Lead
        fields = ("fit", "engagement", "grade", "win_probability")
        read_only_fields = fields


class LeadSerializer(serializers.ModelSerializer[Lead]):
    """One lead with its person and company."""

    url = serializers.HyperlinkedIdentityField(view_name="api:lead_detail", read_only=True)
    contact = ContactSerializer(read_only=True)
    company = CompanySerializer(source="contact.company", read_only=True, allow_null=True)
    channel = serializers.SlugRelatedField[Any](slug_field="slug", read_only=True)
    source = serializers.SlugRelatedField[Any](  # type: ignore[assignment]  # Field.source is another thing
        slug_field="slug", read_only=True, allow_null=True
    )
    campaign = serializers.SlugRelatedField[Any](slug_field="key", read_only=True, allow_null=True)
    team = serializers.SlugRelatedField[Any](slug_field="slug", read_only=True, allow_null=True)
    reason = serializers.SlugRelatedField[Any](slug_field="code", read_only=True, allow_null=True)
    stage = serializers.ChoiceField(choices=Stage.choices, read_only=True)
    owner = PersonSerializer(read_only=True, allow_null=True)
    ae = PersonSerializer(read_only=True, allow_null=True)
    score = LeadScoreSerializer(source="*", read_only=True)
    assigned_at = serializers.DateTimeField(source="owned_at", read_only=True, allow_null=True)

    class Meta:
        model = Lead
        fields = (
            "id",
            "url",
            "stage",
            "stage_at",
            "subject",
            "contact",
            "company",
            "channel",
            "source",
            "campaign",
            "score",
            "owner",
            "team",
            "ae",
            "assigned_at",
            "reason",
            "wake_at",
            "first_seen_at",
            "captured_at",
            "last_touch_at",
            "first_touched_at",
            "is_history",
        )
        read_only_fields = fields


class ContactEditSerializer(serializers.Serializer[Any]):
    """What a person may say about the contact."""

    email = serializers.CharField(required=False, max_length=254)
    phone = serializers.CharField(required=False, max_length=80)
    first_name = serializers.CharField(required=False, max_length=120)
    last_name = serializers.CharField(required=False, max_length=120)
    job_title = serializers.CharField(required=False, max_length=160)
    country = serializers.CharField(required=False, max_length=120)
    region = serializers.CharField(required=False, max_length=80)
    postal_code = serializers.CharField(required=False, max_length=16)
    city = serializers.CharField(required=False, max_length=120)
    language = serializers.CharField(required=False, max_length=8)


class CompanyEditSerializer(serializers.Serializer[Any]):
    """What a person may say about the company."""

    name = serializers.CharField(required=False, max_length=255)
    country = serializers.CharField(required=False, max_length=120)
    city = serializers.CharField(required=False, max_length=120)
    industry = serializers.CharField(required=False, max_length=120)
    website = serializers.CharField(required=False, max_length=200)
    staff = serializers.IntegerField(required=False, min_value=1)


class LeadEditSerializer(serializers.Serializer[Any]):
    """A change by a person. Stage and owner have their own doors; a field that is not listed is refused."""

    subject = serializers.CharField(required=False, max_length=200)
    contact = ContactEditSerializer(required=False)
    company = CompanyEditSerializer(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse what would silently be ignored otherwise."""
        data = self.initial_data if isinstance(self.initial_data, dict) else {}
        unknown = {name: ["This field cannot be changed here."] for name in data if name not in self.fields}
        for part, editor in (("contact", ContactEditSerializer), ("company", CompanyEditSerializer)):
            inner = data.get(part)
            for name in inner if isinstance(inner, dict) else ():
                if name not in editor().fields:
                    unknown[f"{part}.{name}"] = ["This field cannot be changed here."]
        if unknown:
            raise serializers.ValidationError(unknown)
        return attrs


class LeadEventSerializer(serializers.ModelSerializer[LeadEvent]):
    """One line of history. `cursor` is what the feed goes on after."""

    cursor = serializers.CharField(source="pk", read_only=True)
    lead = serializers.IntegerField(source="lead_id", read_only=True)
    actor = PersonSerializer(read_only=True, allow_null=True)
    by = serializers.CharField(source="actor_label", read_only=True)

    class Meta:
        model = LeadEvent
        fields = ("id", "cursor", "lead", "kind", "at", "recorded_at", "actor", "by", "data")
        read_only_fields = fields


class FeedSerializer(serializers.Serializer[Any]):
    """A page of the feed. `next` is the cursor to ask with again, also when there was nothing new."""

    results = LeadEventSerializer(many=True, read_only=True)
    next = serializers.CharField(read_only=True)
    more = serializers.BooleanField(read_only=True)


class CaptureSerializer(serializers.ModelSerializer[Capture]):
    """A kept submission and what became of it."""

    channel = serializers.SlugRelatedField[Any](slug_field="slug", read_only=True)
    lead = serializers.IntegerField(source="lead_id", read_only=True, allow_null=True)
    stage = serializers.CharField(source="lead.stage", read_only=True, default=None)
    owner = PersonSerializer(source="lead.owner", read_only=True, default=None)

    class Meta:
        model = Capture
        fields: ClassVar[tuple[str, ...]] = (
            "id",
            "status",
            "channel",
            "received_at",
            "occurred_at",
            "processed_at",
            "external_id",
            "match_reason",
            "problems",
            "lead",
            "stage",
            "owner",
        )
        read_only_fields = fields
