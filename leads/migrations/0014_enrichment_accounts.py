"""What providers cost and may be asked, what a homepage and a name server tell."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0013_imports"),
    ]

    operations = [
        migrations.AddField(
            model_name="company",
            name="description",
            field=models.CharField(blank=True, max_length=500, verbose_name="description"),
        ),
        migrations.AddField(
            model_name="contact",
            name="deliverability",
            field=models.CharField(
                blank=True,
                help_text="Whether the domain receives mail: receives, none.",
                max_length=10,
                verbose_name="deliverability",
            ),
        ),
        migrations.AddField(
            model_name="enrichmentrequest",
            name="cost",
            field=models.DecimalField(decimal_places=4, default=0, max_digits=8, verbose_name="cost"),
        ),
        migrations.AddField(
            model_name="provider",
            name="budget",
            field=models.DecimalField(
                blank=True,
                decimal_places=2,
                help_text="When it is spent nobody is asked until the next month begins.",
                max_digits=10,
                null=True,
                verbose_name="budget a month",
            ),
        ),
        migrations.AddField(
            model_name="provider",
            name="price",
            field=models.DecimalField(
                decimal_places=4,
                default=0,
                help_text="What an answer with values costs; nothing known costs nothing.",
                max_digits=8,
                verbose_name="price of an answer",
            ),
        ),
        migrations.AddField(
            model_name="provider",
            name="rate_per_minute",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="At most; the others wait for their turn.",
                null=True,
                verbose_name="questions a minute",
            ),
        ),
        migrations.AddIndex(
            model_name="enrichmentrequest",
            index=models.Index(fields=["provider", "-finished_at"], name="leads_enrichment_account"),
        ),
    ]
