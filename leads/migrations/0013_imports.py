"""Imports through the browser: their state, how the file is read, trials, undo, and what was mapped before."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0012_mail_and_screening"),
    ]

    operations = [
        migrations.AddField(
            model_name="importrun",
            name="headers",
            field=models.JSONField(blank=True, default=list, verbose_name="columns"),
        ),
        migrations.AddField(
            model_name="importrun",
            name="options",
            field=models.JSONField(
                blank=True, default=dict, help_text="Sheet and separator.", verbose_name="how it is read"
            ),
        ),
        migrations.AddField(
            model_name="importrun",
            name="state",
            field=models.CharField(
                choices=[
                    ("uploaded", "To be mapped"),
                    ("checking", "Being tried"),
                    ("checked", "Tried"),
                    ("running", "Running"),
                    ("canceled", "Stopped"),
                    ("done", "Done"),
                    ("failed", "Failed"),
                    ("undoing", "Being undone"),
                    ("undone", "Undone"),
                ],
                default="done",
                max_length=10,
                verbose_name="state",
            ),
        ),
        migrations.AddField(
            model_name="importrun",
            name="stop",
            field=models.BooleanField(default=False, verbose_name="is to stop"),
        ),
        migrations.AddField(
            model_name="importrun",
            name="total",
            field=models.PositiveIntegerField(blank=True, null=True, verbose_name="rows in the file"),
        ),
        migrations.AddField(
            model_name="importrun",
            name="trial",
            field=models.JSONField(blank=True, null=True, verbose_name="what the trial said"),
        ),
        migrations.AddField(
            model_name="importrun",
            name="undo",
            field=models.JSONField(blank=True, null=True, verbose_name="what the undo did"),
        ),
        migrations.CreateModel(
            name="ImportMapping",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("signature", models.CharField(help_text="Of the headers, whatever their order.", max_length=64)),
                ("mapping", models.JSONField(verbose_name="mapping")),
                ("at", models.DateTimeField(verbose_name="last used")),
                (
                    "channel",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="mappings", to="leads.channel"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("channel", "signature"), name="leads_importmapping_unique")
                ],
            },
        ),
        # The rows of one import; nothing else has a run.
        migrations.RunSQL(
            "CREATE INDEX leads_capture_run ON leads_capture ((context -> 'run')) WHERE (context -> 'run') IS NOT NULL",
            "DROP INDEX leads_capture_run",
        ),
    ]
