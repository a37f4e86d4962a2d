"""Whether the next lead follows once an outcome is logged."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0029_leak_spells"),
    ]

    operations = [
        migrations.AddField(
            model_name="user",
            name="goes_on",
            field=models.BooleanField(default=True, verbose_name="after logging, go on to the next lead"),
        ),
        # What one wants of one's own screen is nobody else's business.
        migrations.RunSQL(
            "CALL leads_watch('leads_user', 'last_login,date_joined,language,theme,density,keys_enabled,goes_on',"
            " 'password,calendar_hash')",
            migrations.RunSQL.noop,
        ),
    ]
