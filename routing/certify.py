"""What a certificate holds, its digest, and running it again. No database."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Any

from routing.decide import FAIR, Candidate, Distribution, Looked, RuleView, distribute, first_match

DIGESTED = ("lead", "rule_set", "outcome", "decided_at", "facts", "rules", "candidates", "draw")


@dataclass(frozen=True)
class Verdict:
    """What came out when a certificate was run again."""

    digest_holds: bool
    same_rule: bool
    same_rep: bool

    @property
    def holds(self) -> bool:
        """Whether nothing was changed and the same decision came out."""
        return self.digest_holds and self.same_rule and self.same_rep


def rules_content(looked: Sequence[Looked], rules: Sequence[RuleView]) -> list[dict[str, Any]]:
    """Each rule that was looked at; the ones below the match by name only."""
    read = [
        {
            "id": one.rule.id,
            "position": one.rule.position,
            "name": one.rule.name,
            "condition": dict(one.rule.tree),
            "destination": one.rule.destination,
            "held": one.held,
            "readable": one.rule.condition is not None,
            "trace": one.trace,
        }
        for one in looked
    ]
    unread = [{"id": rule.id, "position": rule.position, "name": rule.name, "held": None} for rule in rules]
    return read + unread[len(read) :]


def candidates_content(distribution: Distribution) -> list[dict[str, Any]]:
    """Each candidate as they stood, with the gate that stopped them (empty if none did)."""
    return [_texts(asdict(one)) | {"gate": distribution.stopped.get(one.rep_id, "")} for one in distribution.candidates]


def draw_content(distribution: Distribution) -> dict[str, Any]:
    """How the choice was made, and every balance it moved."""
    choice = distribution.choice
    if choice is None:
        return {"seed": distribution.seed, "chosen": None, "strategy": distribution.strategy}
    return {
        "seed": distribution.seed,
        "strategy": distribution.strategy,
        "chosen": choice.rep_id,
        "by": str(choice.by),
        "tied": list(choice.tied),
        "number": choice.number,
        "credits": {str(rep): str(amount) for rep, amount in choice.credits.items()},
        "after": {str(rep): str(amount) for rep, amount in distribution.after.items()},
    }


def digest(content: Mapping[str, Any]) -> str:
    """SHA-256 over the canonical JSON of what was decided and from what."""
    kept = {name: _canonical(content[name]) for name in DIGESTED}
    text = json.dumps(kept, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def verify(content: Mapping[str, Any], expected: str, rep_id: int | None) -> Verdict:
    """Run the decision again from the stored facts, rules and candidates alone."""
    read = [RuleView.read(rule) for rule in content["rules"] if rule["held"] is not None]
    matched, _ = first_match(read, content["facts"])
    then = next((rule["id"] for rule in content["rules"] if rule["held"]), None)
    draw = content["draw"]
    people = [_candidate(one) for one in content["candidates"]]
    again = distribute(people, draw.get("seed", ""), draw.get("strategy", FAIR))
    chosen = again.choice.rep_id if again.choice else None
    return Verdict(digest(content) == expected, (matched.id if matched else None) == then, chosen == rep_id)


def _candidate(stored: Mapping[str, Any]) -> Candidate:
    known = {name.name for name in fields(Candidate)}
    values = {name: value for name, value in stored.items() if name in known}
    return Candidate(**values | {"weight": Decimal(stored["weight"]), "balance": Decimal(stored["balance"])})


def _texts(values: dict[str, Any]) -> dict[str, Any]:
    """Decimals as text, so that no digit is lost on the way through JSON."""
    return {name: str(value) if isinstance(value, Decimal) else value for name, value in values.items()}


def _canonical(value: Any) -> Any:
    """The same value always as the same JSON, also after the database has stored it."""
    if isinstance(value, Mapping):
        return {str(key): _canonical(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_canonical(one) for one in value]
    if isinstance(value, datetime):
        return value.isoformat()
    # PostgreSQL keeps numbers, not their spelling: 3.0 may come back as 3.
    return int(value) if isinstance(value, float) and value.is_integer() else value
