"""Looking into a stored certificate: its content as it was digested, and running it again."""

from typing import Any

from routing.certify import Verdict, verify
from routing.models import Certificate


def content_of(certificate: Certificate) -> dict[str, Any]:
    """What the digest was made from."""
    return {
        "lead": certificate.lead_id,
        "rule_set": certificate.rule_set.version,
        "outcome": certificate.outcome,
        "decided_at": certificate.decided_at,
        "facts": certificate.facts,
        "rules": certificate.rules,
        "candidates": certificate.candidates,
        "draw": certificate.draw,
    }


def verify_certificate(certificate: Certificate) -> Verdict:
    """Run the decision again from what the certificate holds, and compare."""
    return verify(content_of(certificate), certificate.digest, certificate.rep_id)


def document_of(certificate: Certificate) -> dict[str, Any]:
    """The certificate as one JSON document, with the digest and what running it again gives."""
    content = content_of(certificate)
    verdict = verify_certificate(certificate)
    return {
        "id": certificate.pk,
        **content,
        "decided_at": certificate.decided_at.isoformat(),
        "rule": certificate.rule.name if certificate.rule else None,
        "pool": certificate.pool.slug if certificate.pool else None,
        "owner": str(certificate.rep) if certificate.rep else None,
        "digest": certificate.digest,
        "verified": verdict.holds,
    }
