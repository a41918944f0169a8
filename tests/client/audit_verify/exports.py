"""Exports of a server's log in miniature, honest and rewritten, and what tests ask of a report on them."""

from base64 import b64encode
from hashlib import sha256
from pathlib import Path

from audit import merkle
from audit.canonical import commit, encode
from audit.notes import Checkpoint, Signer, format_checkpoint, sign_note

ORIGIN = "lineal.example/audit"
KEEPER = Signer(ORIGIN, b"\x07" * 32)
MALLORY = Signer(ORIGIN, b"\x66" * 32)
ACTIONS = ["model_version.promote", "run.seal", "token.create", "project.member_add"]
CHOSEN = [0, 3, 14, 15, 128, 255, 256, 299]  # of a filtered export


def b64(raw):
    return b64encode(raw).decode()


def body_of(number, *, reason="beats v7 on “holdout”\nüber \U0001f600 \\ / \x7f", display="Alice Ängström"):
    """An event as the server writes it, and the personal value behind its commitment."""
    salt = sha256(b"salt %d" % number).digest()[:16]
    commitment, _ = commit(display, salt)
    body = {
        "v": "lineal-audit/1",
        "id": f"0192f0c1-7000-7000-8000-{number:012x}",
        "time": f"2026-11-21T03:14:{number % 60:02d}.{number % 1_000_000:06d}Z",
        "org": "acme",
        "project": "churn",
        "action": ACTIONS[number % len(ACTIONS)],
        "outcome": "ok",
        "actor": {"type": "user", "id": "0192f0c1-0000-7000-8000-00000000a11c", "display": commitment},
        "target": {"type": "model_version", "id": f"churn/{number}", "version": str(number)},
        "reason": reason,
        "before": {},
        "after": {"slot": "production", "share": "0.25"},
        "refs": [{"type": "run", "id": f"{number:032x}"}],
    }
    return encode(body).decode(), {"path": "/actor/display", "salt": b64(salt), "value": display}


class Log:
    """A server's log in miniature: bodies, leaf hashes, and a checkpoint after every `every` events."""

    def __init__(self, events=300, every=50, signer=KEEPER, private_every=7):
        made = [body_of(number) for number in range(events)]
        self.bodies = [body for body, _ in made]
        self.private = {number: made[number][1] for number in range(0, events, private_every)}
        self.every = every
        self.signer = signer
        self.origin = ORIGIN
        self.reseal()

    def reseal(self):
        """Recompute everything that follows from the bodies, as one who holds the key can."""
        self.leaves = [merkle.leaf_hash(body.encode()) for body in self.bodies]
        sizes = [*range(self.every, len(self.bodies), self.every), len(self.bodies)]
        self.notes = {size: self.note(size) for size in sizes}

    def note(self, size, signer=None):
        checkpoint = Checkpoint(self.origin, size, merkle.root(self.leaves[:size]))
        return sign_note(format_checkpoint(checkpoint), signer or self.signer)

    def header(self, **changes):
        return {
            "type": "header",
            "schema": "lineal-audit-export/1",
            "origin": self.origin,
            "vkey": self.signer.vkey,
            "from": 0,
            "size": len(self.bodies),
            "generated_at": "2026-11-21T03:14:27.123456Z",
            "filtered": False,
            **changes,
        }

    def event(self, seq, **more):
        return {"type": "event", "seq": seq, "body": self.bodies[seq], "leaf_hash": b64(self.leaves[seq]), **more}

    def objects(self):
        """The lines of a full export, without its end."""
        yield self.header()
        for seq in range(len(self.bodies)):
            yield self.event(seq)
            if seq in self.private:
                yield {"type": "private", "seq": seq, **self.private[seq]}
            if seq + 1 in self.notes:
                yield {"type": "checkpoint", "size": seq + 1, "note": self.notes[seq + 1]}

    def filtered_objects(self, seqs):
        """The lines of a filtered export, without its end."""
        size = len(self.bodies)
        yield self.header(filtered=True)
        yield {"type": "checkpoint", "size": size, "note": self.note(size)}
        for seq in seqs:
            yield self.event(seq, proof=[b64(each) for each in merkle.inclusion_proof(self.leaves, seq)])
            if seq in self.private:
                yield {"type": "private", "seq": seq, **self.private[seq]}


def encoded(objects, *, end=True, digest=True):
    """The bytes of an export file."""
    objects = list(objects)
    raw = b"".join(encode(each) + b"\n" for each in objects)
    last = {"type": "end", "events": sum(each.get("type") == "event" for each in objects)}
    if digest:
        last["sha256"] = sha256(raw).hexdigest()
    return raw + encode(last) + b"\n" if end else raw


def rewritten(log, signer):
    copy = Log(events=len(log.bodies), every=log.every, private_every=10_000, signer=signer)
    copy.bodies[250] = copy.bodies[250].replace("holdout", "nothing")
    copy.reseal()
    return copy


def kinds(report):
    return {finding.kind for finding in report.findings}


def only(report):
    assert len(report.findings) == 1, report.findings
    return report.findings[0]


def write_long_export(path: Path, events: int) -> None:
    """An honest export of so many events, of 2,000 sorts, with a checkpoint after every 2,000."""
    log = Log(events=2_000, every=2_000, private_every=10_000)
    frontier = merkle.Frontier()
    with path.open("wb") as file:
        file.write(encode(log.header(size=events)) + b"\n")
        for seq in range(events):
            body = log.bodies[seq % 2_000]
            frontier.append(log.leaves[seq % 2_000])
            event = {"type": "event", "seq": seq, "body": body, "leaf_hash": b64(log.leaves[seq % 2_000])}
            file.write(encode(event) + b"\n")
            if frontier.size % 2_000 == 0 or frontier.size == events:
                text = format_checkpoint(Checkpoint(ORIGIN, frontier.size, frontier.root()))
                line = {"type": "checkpoint", "size": frontier.size, "note": sign_note(text, KEEPER)}
                file.write(encode(line) + b"\n")
        file.write(encode({"type": "end", "events": events}) + b"\n")
