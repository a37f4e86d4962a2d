"""Failed sign-ins, counted so that nobody can guess passwords, or have mail sent, at speed."""

from django.db import models


class SignInFailure(models.Model):
    """One failed try, or one asked-for link. `subject` is a keyed hash of the address typed, or of its origin."""

    subject = models.CharField(max_length=64)
    at = models.DateTimeField()

    class Meta:
        indexes = [
            # How often has this failed lately, and which tries are too old to count.
            models.Index(fields=["subject", "at"], name="leads_signinfailure_subject"),
            models.Index(fields=["at"], name="leads_signinfailure_old"),
        ]

    def __str__(self) -> str:
        return f"{self.subject[:8]} {self.at:%Y-%m-%d %H:%M}"
