"""Facts that nobody named in advance: the further answers of a form or file."""

from typing import Any

from django.db.models import F, Func, TextField, Value
from django.db.models.expressions import Combinable

from leads.facts.fact import Bundle, Fact, Family


def _column(key: str) -> Combinable:
    """The answer as text where it is text, a number or a yes/no; lists and objects are no facts."""
    answers = F("contact__attributes")
    kind = Func(
        Func(answers, Value(key), function="jsonb_extract_path"), function="jsonb_typeof", output_field=TextField()
    )
    text = Func(answers, Value(key), function="jsonb_extract_path_text", output_field=TextField())
    return Func(
        kind,
        text,
        template="CASE WHEN %(expressions)s END",
        arg_joiner=" IN ('string', 'number', 'boolean') THEN ",
        output_field=TextField(),
    )


def _make(key: str) -> Fact | None:
    return None if "\x00" in key else Fact(f"attributes.{key}", "any", key, key, None, lambda at: _column(key))


def _load(bundles: list[Bundle]) -> dict[int, dict[str, Any]]:
    return {
        bundle.lead.pk: {
            f"attributes.{key}": value
            for key, value in bundle.lead.contact.attributes.items()
            if isinstance(value, str | int | float)
        }
        for bundle in bundles
    }


ATTRIBUTES = Family("attributes", _make, _load)
