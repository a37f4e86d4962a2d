"""A version can be tried on a share of the leads."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("routing", "0010_messenger_stamps"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="ruleset",
            name="canary_looks",
            field=models.PositiveSmallIntegerField(default=0, editable=False),
        ),
        migrations.AddField(
            model_name="ruleset",
            name="canary_share",
            field=models.PositiveSmallIntegerField(blank=True, null=True, verbose_name="share of leads in per cent"),
        ),
        migrations.AddField(
            model_name="ruleset",
            name="canary_since",
            field=models.DateTimeField(blank=True, null=True, verbose_name="tried since"),
        ),
        migrations.AlterField(
            model_name="ruleset",
            name="status",
            field=models.CharField(
                choices=[
                    ("draft", "Draft"),
                    ("canary", "Tried on a share of leads"),
                    ("published", "Published"),
                    ("archived", "Archived"),
                ],
                default="draft",
                max_length=10,
                verbose_name="status",
            ),
        ),
        migrations.AddConstraint(
            model_name="ruleset",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status", "canary")), fields=("status",), name="routing_ruleset_one_canary"
            ),
        ),
        migrations.AddConstraint(
            model_name="ruleset",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "canary"), _negated=True),
                    models.Q(("canary_share__gte", 1), ("canary_share__lte", 50), ("canary_since__isnull", False)),
                    _connector="OR",
                ),
                name="routing_ruleset_canary_complete",
            ),
        ),
    ]
