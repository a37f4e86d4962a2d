"""A calendar to subscribe to, and where a time can be booked."""

import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0019_mail"),
    ]

    operations = [
        migrations.AddField(
            model_name="user",
            name="booking_url",
            field=models.CharField(
                blank=True,
                help_text="Your page at a booking service; {{ my_calendar }} in texts.",
                max_length=300,
                validators=[django.core.validators.URLValidator(["https", "http"])],
                verbose_name="where a time can be booked",
            ),
        ),
        migrations.AddField(
            model_name="user",
            name="calendar_hash",
            field=models.CharField(blank=True, editable=False, max_length=64, null=True, unique=True),
        ),
    ]
