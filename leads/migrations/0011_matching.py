"""What people are matched by, pairs that may be one person, merges and their way back, further names of companies."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from leads.normalise.naming import name_key, person_key

# How alike two names must be for an index to find them; for every session, as the operator takes no argument.
THRESHOLD = """
DO $$ BEGIN
    EXECUTE format('ALTER DATABASE %I SET pg_trgm.similarity_threshold = 0.5', current_database());
EXCEPTION WHEN insufficient_privilege THEN
    RAISE NOTICE 'The threshold of pg_trgm stays as it is: similar names are found more slowly.';
END $$;
SET pg_trgm.similarity_threshold = 0.5;
"""
AT_ONCE = 5000


def give_keys(apps, schema_editor):
    """Work out the keys of those who are known already; of two with the same number and name the first gets it."""
    contacts = apps.get_model("leads", "Contact").objects
    given, after = set(), 0
    while rows := list(contacts.filter(pk__gt=after).order_by("pk").only("first_name", "last_name", "phone")[:AT_ONCE]):
        for row in rows:
            row.name_key = name_key(row.first_name, row.last_name)
            key = person_key(row.phone, row.name_key)
            row.person_key = None if key in given else key
            given.add(key)
        contacts.bulk_update(rows, ["name_key", "person_key"])
        after = rows[-1].pk


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0010_channel_health"),
    ]

    operations = [
        migrations.CreateModel(
            name="CompanyAlias",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[("domain", "Domain"), ("name", "Name")], max_length=8, verbose_name="kind"
                    ),
                ),
                ("text", models.CharField(max_length=255, verbose_name="domain or name")),
                ("key", models.CharField(editable=False, max_length=255)),
            ],
            options={
                "verbose_name_plural": "company aliases",
            },
        ),
        migrations.CreateModel(
            name="ContactAlias",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("email", models.CharField(max_length=254, verbose_name="e-mail")),
                ("key", models.CharField(editable=False, max_length=254, unique=True)),
                ("at", models.DateTimeField(verbose_name="since")),
            ],
            options={
                "verbose_name_plural": "contact aliases",
            },
        ),
        migrations.CreateModel(
            name="Duplicate",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "reason",
                    models.CharField(help_text="A code of leads.likeness.", max_length=40, verbose_name="reason"),
                ),
                ("confidence", models.FloatField(verbose_name="confidence")),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "To be decided"), ("merged", "Merged"), ("different", "Different people")],
                        default="open",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("found_at", models.DateTimeField(verbose_name="found")),
                ("decided_at", models.DateTimeField(blank=True, null=True, verbose_name="decided")),
            ],
            options={
                "ordering": ["-confidence", "pk"],
            },
        ),
        migrations.CreateModel(
            name="Merge",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("before", models.JSONField(help_text="Columns of both, as they were.", verbose_name="before")),
                (
                    "after",
                    models.JSONField(
                        default=dict, help_text="Columns of the kept one, as the merge left them.", verbose_name="after"
                    ),
                ),
                (
                    "moved",
                    models.JSONField(
                        help_text="Numbers of the rows that were reattached, by model.", verbose_name="moved"
                    ),
                ),
                ("closed_from", models.CharField(blank=True, help_text="Its stage before.", max_length=12)),
                ("at", models.DateTimeField(verbose_name="merged")),
                ("undone_at", models.DateTimeField(blank=True, null=True, verbose_name="undone")),
            ],
            options={
                "ordering": ["-at"],
            },
        ),
        migrations.AddField(
            model_name="company",
            name="parent",
            field=models.ForeignKey(
                blank=True,
                help_text="Whose subsidiary it is: an owner or a customer there counts here too.",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="subsidiaries",
                to="leads.company",
            ),
        ),
        migrations.AddField(
            model_name="contact",
            name="merged_into",
            field=models.ForeignKey(
                blank=True,
                editable=False,
                help_text="Who this turned out to be; such a row is kept for the way back and matched by nothing.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="merged",
                to="leads.contact",
            ),
        ),
        migrations.AddField(
            model_name="contact",
            name="name_key",
            field=models.CharField(
                blank=True,
                editable=False,
                help_text="What the name is matched by (leads.normalise.naming).",
                max_length=200,
            ),
        ),
        migrations.AddField(
            model_name="contact",
            name="person_key",
            field=models.CharField(
                blank=True, editable=False, help_text="Phone and name: certainly one person.", max_length=240, null=True
            ),
        ),
        migrations.RunSQL(THRESHOLD, migrations.RunSQL.noop),
        migrations.RunPython(give_keys, migrations.RunPython.noop),
        migrations.AddIndex(
            model_name="company",
            index=models.Index(fields=["name_key"], opclasses=["varchar_pattern_ops"], name="leads_company_key_prefix"),
        ),
        migrations.AddIndex(
            model_name="contact",
            index=models.Index(
                condition=models.Q(("name_key", ""), _negated=True), fields=["name_key"], name="leads_contact_name_key"
            ),
        ),
        migrations.AddConstraint(
            model_name="contact",
            constraint=models.UniqueConstraint(fields=("person_key",), name="leads_contact_person_key_unique"),
        ),
        migrations.AddField(
            model_name="companyalias",
            name="company",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="aliases", to="leads.company"
            ),
        ),
        migrations.AddField(
            model_name="contactalias",
            name="contact",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="aliases", to="leads.contact"
            ),
        ),
        migrations.AddField(
            model_name="duplicate",
            name="decided_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="duplicate",
            name="first",
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="leads.contact"),
        ),
        migrations.AddField(
            model_name="duplicate",
            name="second",
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="leads.contact"),
        ),
        migrations.AddField(
            model_name="merge",
            name="by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="merge",
            name="closed_lead",
            field=models.ForeignKey(
                blank=True,
                help_text="The second open lead, which was closed as a duplicate.",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="leads.lead",
            ),
        ),
        migrations.AddField(
            model_name="merge",
            name="gone",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="leads.contact"),
        ),
        migrations.AddField(
            model_name="merge",
            name="kept",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="merges", to="leads.contact"
            ),
        ),
        migrations.AddField(
            model_name="merge",
            name="undone_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddConstraint(
            model_name="companyalias",
            constraint=models.UniqueConstraint(fields=("kind", "key"), name="leads_companyalias_unique"),
        ),
        migrations.AddIndex(
            model_name="duplicate",
            index=models.Index(
                condition=models.Q(("state", "open")), fields=["-confidence"], name="leads_duplicate_open"
            ),
        ),
        migrations.AddConstraint(
            model_name="duplicate",
            constraint=models.UniqueConstraint(fields=("first", "second"), name="leads_duplicate_pair_unique"),
        ),
        migrations.AddConstraint(
            model_name="duplicate",
            constraint=models.CheckConstraint(
                condition=models.Q(("first__lt", models.F("second"))), name="leads_duplicate_pair_ordered"
            ),
        ),
        migrations.AddConstraint(
            model_name="merge",
            constraint=models.UniqueConstraint(
                condition=models.Q(("undone_at__isnull", True)), fields=("gone",), name="leads_merge_once"
            ),
        ),
    ]
