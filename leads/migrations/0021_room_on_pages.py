"""Room on the pages of leads: a lead that is scored anew then stays on its page, and no index is written."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("leads", "0020_calendar")]

    operations = [
        migrations.RunSQL("ALTER TABLE leads_lead SET (fillfactor = 70)", "ALTER TABLE leads_lead RESET (fillfactor)")
    ]
