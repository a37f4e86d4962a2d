"""Lists of companies that rules speak of."""

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

TABLES = ["leads_namedlist", "leads_namedlistentry"]
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
        ("leads", "0017_territories"),
    ]

    operations = [
        migrations.CreateModel(
            name="NamedList",
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
                (
                    "kind",
                    models.CharField(
                        choices=[("domain", "Domains"), ("company", "Company names")],
                        default="domain",
                        max_length=8,
                        verbose_name="kind",
                    ),
                ),
            ],
            options={
                "ordering": ("name", "pk"),
            },
        ),
        migrations.CreateModel(
            name="NamedListEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("text", models.CharField(max_length=255)),
                ("key", models.CharField(max_length=255)),
                (
                    "named_list",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="entries", to="leads.namedlist"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("named_list", "key"), name="leads_namedlistentry_unique")
                ],
            },
        ),
        migrations.RunSQL(STAMPS, NO_STAMPS),
    ]
