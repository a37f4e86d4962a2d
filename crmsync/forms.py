"""What people enter about deals."""

from decimal import Decimal

from django import forms
from django.utils.translation import gettext_lazy as _

LONGEST_NOTE = 500


class RefuseForm(forms.Form):
    """Why an AE gives a handoff back. Whether the reason fits, the service says."""

    reason = forms.CharField(max_length=40, error_messages={"required": _("Choose a reason.")})
    wake_on = forms.DateField(required=False, label=_("Wake up on"))
    note = forms.CharField(required=False, max_length=LONGEST_NOTE, label=_("Note"))


class MoveForm(forms.Form):
    """Where a deal goes on the board, and what has to be said about it."""

    stage = forms.ChoiceField(label=_("Stage"))
    amount = forms.DecimalField(
        label=_("Amount"), required=False, min_value=Decimal(0), max_digits=14, decimal_places=2
    )
    lost_reason = forms.ChoiceField(label=_("Lost because"), required=False)
    note = forms.CharField(label=_("Note"), required=False, max_length=LONGEST_NOTE, widget=forms.Textarea({"rows": 2}))

    def __init__(self, *args: object, stages: dict[str, str], reasons: list[str], **kwargs: object) -> None:
        """``stages``: name → meaning, in the order of the board."""
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # handed through as they came
        self.meanings = stages
        _choices(self.fields["stage"], [(name, name) for name in stages])
        # Said beside the label instead of "optional"; `clean` asks for them.
        vars(self.fields["amount"])["needed_for"] = _("needed for a win")
        vars(self.fields["lost_reason"])["needed_for"] = _("needed for a loss")
        _choices(self.fields["lost_reason"], [("", "–"), *((reason, reason) for reason in reasons)])

    def clean(self) -> dict[str, object]:
        """A win needs its amount, a loss its reason."""
        said = super().clean() or {}
        meaning = self.meanings.get(str(said.get("stage")))
        if meaning == "won" and not said.get("amount") and "amount" not in self.errors:
            self.add_error("amount", _("Say for how much it was won."))
        if meaning == "lost" and not said.get("lost_reason"):
            self.add_error("lost_reason", _("Say why it was lost."))
        return said


def _choices(field: forms.Field, choices: list[tuple[str, str]]) -> None:
    if isinstance(field, forms.ChoiceField):
        field.choices = choices
