"""The signature under mails to leads."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0018_named_lists"),
    ]

    operations = [
        migrations.AddField(
            model_name="user",
            name="mail_signature",
            field=models.TextField(
                blank=True,
                help_text="Added below each mail to a lead.",
                max_length=1000,
                verbose_name="signature under e-mails",
            ),
        ),
    ]
