"""Clicks in e-mails, counted by ourselves where that is wanted."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0021_room_on_pages"),
    ]

    operations = [
        migrations.AddField(
            model_name="organisation",
            name="counts_mail_clicks",
            field=models.BooleanField(
                default=False,
                help_text="Links in e-mails then lead over our own address. Not needed where a mail service reports clicks.",
                verbose_name="count clicks in e-mails",
            ),
        ),
    ]
