"""Regions and postal codes of contacts, and the tables that divide them into territories."""

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

TABLES = ["leads_territorytable", "leads_territoryarea"]
# One stamp a statement, not one a row: a table is put in place whole (see leads/configuration.py).
STAMPS = "".join(
    f"""CREATE TRIGGER leads_stamp_any AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table}
        FOR EACH STATEMENT EXECUTE FUNCTION leads_stamp_anew();
    INSERT INTO leads_stamp (name) VALUES ('{table}');"""  # noqa: S608  # words of our own
    for table in TABLES
)
NO_STAMPS = "".join(f"DROP TRIGGER IF EXISTS leads_stamp_any ON {table};" for table in TABLES)


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0016_company_linkedin"),
    ]

    operations = [
        migrations.CreateModel(
            name="TerritoryTable",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "slug",
                    models.CharField(
                        max_length=40,
                        unique=True,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[a-z][a-z0-9_]*\\Z", "Small letters, digits and _, beginning with a letter."
                            )
                        ],
                        verbose_name="short name",
                    ),
                ),
                ("name", models.CharField(max_length=80, verbose_name="name")),
            ],
            options={
                "ordering": ("name", "pk"),
            },
        ),
        migrations.AddField(
            model_name="contact",
            name="postal_code",
            field=models.CharField(blank=True, max_length=16, verbose_name="postal code"),
        ),
        migrations.AddField(
            model_name="contact",
            name="region",
            field=models.CharField(
                blank=True, help_text="State, province or canton.", max_length=80, verbose_name="region"
            ),
        ),
        migrations.CreateModel(
            name="TerritoryArea",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("territory", models.CharField(max_length=80, verbose_name="territory")),
                ("country", models.CharField(max_length=2, verbose_name="country")),
                ("region", models.CharField(blank=True, max_length=80, verbose_name="region")),
                ("region_key", models.CharField(blank=True, editable=False, max_length=80)),
                ("low", models.CharField(blank=True, db_collation="C", max_length=16, verbose_name="postal code from")),
                ("high", models.CharField(blank=True, db_collation="C", max_length=16, verbose_name="to")),
                (
                    "table",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="areas", to="leads.territorytable"
                    ),
                ),
            ],
            options={
                "ordering": ("pk",),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("high", ""), ("low", "")),
                            models.Q(("high__gte", models.F("low")), ("low__gt", ""), ("region_key", "")),
                            _connector="OR",
                        ),
                        name="leads_territoryarea_one_kind",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("low", ""),
                            models.Q(("high__regex", "^[0-9A-Z]+$"), ("low__regex", "^[0-9A-Z]+$")),
                            _connector="OR",
                        ),
                        name="leads_territoryarea_codes",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("low", "")),
                        fields=("table", "country", "region_key"),
                        name="leads_territoryarea_unique_region",
                    ),
                ],
            },
        ),
        migrations.RunSQL(STAMPS, NO_STAMPS),
    ]
