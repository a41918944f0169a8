"""`lineal verify`: a promotion receipt checked with a public key alone, and files checked to be the promoted bytes.

A receipt is an in-toto Statement in a DSSE envelope. Sources: in-toto Attestation Framework v1, DSSE v1.0.
"""

import json
from base64 import b64decode
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lineal.cli.exits import CommandFailed, ExitCode, leave
from lineal.cli.keys import read_vkey
from lineal.cli.output import print_json
from lineal.cli.text import clean

if TYPE_CHECKING:
    from lineal._proofs import Key

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "urn:lineal:promotion:v1"
LARGEST_BYTES = 16 * 1024**2  # a receipt has some kilobytes


class NotProven(Exception):
    """The receipt, or what was held against it, does not hold; the text says what."""


@click.command()
@click.argument("receipt", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--key", required=True, metavar="VKEY", help="The receipts' verifier key, or a file with it.")
@click.option(
    "--model-dir",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="These files have to be the promoted ones.",
)
@click.option("--model", metavar="NAME", help="It has to be about this model.")
@click.option("--environment", "--env", "environment", metavar="NAME", help="It has to be about this environment.")
@click.option("--url", hidden=True, help="Not used: nothing is sent.")
@click.option("--json", "as_json", is_flag=True, help="Print the signed statement as JSON.")
def verify(
    receipt: Path,
    *,
    key: str,
    model_dir: Path | None,
    model: str | None,
    environment: str | None,
    url: str | None,
    as_json: bool,
) -> None:
    """Check a promotion receipt offline, and that files are the promoted bytes.

    A deployer that runs this first serves nothing that was not promoted. Exit codes: 0 proven, 1 not, 2 usage.
    """
    from lineal._proofs import parse_key

    try:
        statement = open_receipt(receipt.read_bytes(), key=parse_key(read_vkey(key)))
        _check_claims(statement["predicate"], model=model, environment=environment)
        if model_dir is not None:
            _check_files(model_dir, subject_digest(statement))
    except NotProven as error:
        raise CommandFailed(f"NOT PROVEN: {error}") from error
    if as_json:
        print_json(statement)
    else:
        click.echo(_sentence(statement, model_dir))
    leave(ExitCode.OK)


def open_receipt(envelope: bytes, *, key: "Key") -> dict[str, Any]:
    """The statement inside, once its signature by `key` is found to hold.

    Raises:
        NotProven: it does not, or the envelope or the statement is not one of ours.
    """
    payload = _signed_payload(envelope, key)
    statement = _parse_object(payload, "the signed statement")
    if statement.get("_type") != STATEMENT_TYPE or statement.get("predicateType") != PREDICATE_TYPE:
        raise NotProven("what is signed is no statement about a promotion")
    predicate = statement.get("predicate")
    if not isinstance(predicate, dict) or predicate.get("decision") != "promoted":
        raise NotProven("the statement does not say that anything was promoted")
    if predicate.get("digest") != subject_digest(statement):
        raise NotProven("the statement's subject is not the digest that was promoted")
    return statement


def _signed_payload(envelope: bytes, key: "Key") -> bytes:
    document = _parse_object(envelope, "the receipt")
    try:
        payload = b64decode(document["payload"], validate=True)
        signatures = [
            (str(each.get("keyid")), b64decode(each["sig"], validate=True)) for each in document["signatures"]
        ]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise NotProven("the receipt is no DSSE envelope") from error
    if document.get("payloadType") != PAYLOAD_TYPE:
        raise NotProven(f"the receipt is of another type: {clean(document.get('payloadType'))[:80]}")
    own = [signature for key_id, signature in signatures if key_id == key.id.hex()]
    if not own:
        raise NotProven(f"the receipt is not signed by {key.name}+{key.id.hex()}")
    message = b"DSSEv1 %d %b %d %b" % (len(PAYLOAD_TYPE), PAYLOAD_TYPE.encode(), len(payload), payload)
    if not all(_is_signed(message, signature, key.public) for signature in own):
        raise NotProven("the signature is wrong: the receipt was changed, or signed with another key")
    return payload


def _is_signed(message: bytes, signature: bytes, public: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def _parse_object(text: bytes, what: str) -> dict[str, Any]:
    if len(text) > LARGEST_BYTES:
        raise NotProven(f"{what} is too large")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise NotProven(f"{what} is not JSON") from error
    if not isinstance(value, dict):
        raise NotProven(f"{what} is no JSON object")
    return value


def subject_digest(statement: Mapping[str, Any]) -> str:
    """`sha256:…` of the manifest that was promoted.

    Raises:
        NotProven: the statement names not exactly one.
    """
    try:
        (subject,) = statement["subject"]
        return f"sha256:{subject['digest']['sha256']}"
    except (KeyError, TypeError, ValueError) as error:
        raise NotProven("the statement does not name one digest") from error


def _check_claims(predicate: Mapping[str, Any], *, model: str | None, environment: str | None) -> None:
    for name, wanted in (("model", model), ("environment", environment)):
        if wanted is not None and predicate.get(name) != wanted:
            raise NotProven(f"the receipt is about the {name} {clean(predicate.get(name))}, not {wanted}")


def _check_files(folder: Path, promoted: str) -> None:
    from lineal import digest

    try:
        found = digest.directory(folder)
    except ValueError as error:
        raise NotProven(f"{folder}: {error}") from error
    if found != promoted:
        raise NotProven(f"the files in {folder} are {found}, promoted was {promoted}")


def _sentence(statement: Mapping[str, Any], model_dir: Path | None) -> str:
    predicate = statement["predicate"]
    what = f"{predicate.get('model')} v{predicate.get('version')} {predicate['digest']} was promoted to"
    held = f"; the files in {model_dir} are its bytes" if model_dir is not None else ""
    return clean(f"PROVEN: {what} {predicate.get('environment')}{held}")
