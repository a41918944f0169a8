"""Receipts: an in-toto Statement of what was promoted, in a DSSE envelope that anyone can check offline.

Subject is the version's manifest digest; predicate is the result document with the ledger's position in it. The ledger
numbers events some milliseconds after the commit, so a worker makes the receipt once the number is there.
Sources: in-toto Attestation Framework v1 (Statement), DSSE v1.0 (envelope and pre-authentication encoding).
"""

from base64 import b64encode
from hashlib import sha256
from typing import Any

import orjson
from django.db import transaction

from audit.selectors import event_position
from core import jobs
from registry.models import ModelVersion, Promotion, Receipt
from registry.receipt_key import ReceiptKey, load_key
from registry.result import result_document

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "urn:lineal:promotion:v1"
FIRST_WAIT_S = 0.3
LONGEST_WAIT_S = 60.0
LATER = frozenset({"receipt", "pending", "rollback", "links", "expires_at"})  # not of the decision, or not known yet


def issue_receipt(*, promotion_id: int, asked: int = 0) -> Receipt | None:
    """The receipt of a promotion that was carried out, made if missing. Until the ledger has numbered the decision it
    asks itself to come again, ever less often, and gives None. Idempotent; for workers.
    """
    with transaction.atomic():
        promotion = _locked(promotion_id)
        known = Receipt.objects.filter(promotion=promotion).first()
        if known is not None or promotion.decision != Promotion.Decision.PROMOTED or promotion.event_id is None:
            return known
        position = event_position(promotion.event_id)
        if position is None or position.checkpoint is None:
            wait_s = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2**asked)
            jobs.enqueue("registry.issue_receipt", promotion_id=promotion_id, asked=min(asked + 1, 20), _delay_s=wait_s)
            return None
        return _issue(promotion)


def _locked(promotion_id: int) -> Promotion:
    promotions = Promotion.objects.select_for_update(of=("self",)).select_related(
        "project",
        "model",
        "version__model__project",
        "version__run",
        "environment",
        "previous",
        "policy_revision__policy",
    )
    return promotions.get(pk=promotion_id)


def _issue(promotion: Promotion) -> Receipt:
    key = load_key()
    envelope = sign_envelope(_statement(promotion), key)
    return Receipt.objects.create(
        promotion=promotion,
        envelope=envelope.decode(),
        sha256=sha256(envelope).hexdigest(),
        vkey=key.vkey,
    )


def _statement(promotion: Promotion) -> bytes:
    document = result_document(promotion)
    statement = {
        "_type": STATEMENT_TYPE,
        "subject": [subject(promotion.version)],
        "predicateType": PREDICATE_TYPE,
        "predicate": {key: value for key, value in document.items() if key not in LATER},
    }
    return orjson.dumps(statement, option=orjson.OPT_SORT_KEYS)


def subject(version: ModelVersion) -> dict[str, Any]:
    return {
        "name": f"{version.model.project.name}/{version.model.name}@{version.number}",
        "digest": {"sha256": version.digest.removeprefix("sha256:")},
    }


def sign_envelope(payload: bytes, key: ReceiptKey) -> bytes:
    """The DSSE envelope of `payload`, as JSON."""
    signature = key.sign(pre_authentication_encoding(PAYLOAD_TYPE, payload))
    return orjson.dumps(
        {
            "payload": b64encode(payload).decode(),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [{"keyid": key.public.key_id, "sig": b64encode(signature).decode()}],
        }
    )


def pre_authentication_encoding(payload_type: str, payload: bytes) -> bytes:
    """What is signed (DSSE v1.0): type and payload with their lengths, so neither can pass for the other."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)
