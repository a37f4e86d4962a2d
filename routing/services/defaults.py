"""What a fresh installation begins with: one promise. Rules and pools are for the people who know their teams."""

from routing.models import SlaPolicy


def install_defaults() -> None:
    """Add a default promise where there is none; safe to run any number of times."""
    if not SlaPolicy.objects.filter(is_default=True).exists():
        SlaPolicy.objects.get_or_create(
            name="First touch within 30 minutes",
            defaults={"first_touch_minutes": 30, "in_working_time": True, "is_default": True},
        )
