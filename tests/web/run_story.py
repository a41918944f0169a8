"""A run with files of every kind that a page previews, names that try to be markup, and numbers that are none."""

import base64
import io
import json
import math
from hashlib import sha256
from uuid import uuid4

from tests.web.story import EVIL, new_run, points
from tracking import services
from tracking.models import Upload
from tracking.services import create_run, write_batch
from tracking.services.artifacts import check_announced
from tracking.services.runs import Origin

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
ATTACK = "<script>top.document.title='owned';document.body.innerHTML='owned'</script><img src=x onerror=\"top.document.title='owned'\">"
SVG = f'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9" onload="top.document.title=1">{ATTACK}</svg>'
NOTEBOOK = {
    "nbformat": 4,
    "cells": [
        {"cell_type": "markdown", "source": ["# Heading\n", EVIL]},
        {
            "cell_type": "code",
            "execution_count": 1,
            "source": "df.head()",
            "outputs": [
                {"output_type": "stream", "text": [EVIL]},
                {
                    "output_type": "execute_result",
                    "data": {"text/html": [f"<table><tr><td>cell</td></tr></table>{ATTACK}"]},
                },
                {"output_type": "display_data", "data": {"image/png": base64.b64encode(PIXEL).decode()}},
                {"output_type": "error", "ename": "ValueError", "evalue": EVIL},
            ],
        },
    ],
}
LOCK = "numpy==2.0.0\npandas==2.2.0\n"
DIFF = f"diff --git a/train.py b/train.py\n--- a/train.py\n+++ b/train.py\n@@ -1 +1 @@\n-old {EVIL}\n+new\n"


def parquet(rows=1_000, **more):
    import pyarrow as pa
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    pq.write_table(pa.table({"id": list(range(rows)), EVIL: [EVIL] * rows}), buffer, **more)
    return buffer.getvalue()


def csv(rows=1_000):
    return "\n".join(
        ["id,name", *(f'{number},"{EVIL.replace(chr(34), chr(34) * 2)}"' for number in range(rows))]
    ).encode()


FILES = {
    "notes/read me.txt": f"first line\n{EVIL}\n".encode(),
    "data/rows.csv": csv(),
    "plots/pixel.png": PIXEL,
    "plots/attack.svg": SVG.encode(),
    "report.html": f"<!doctype html><h1>Report</h1>{ATTACK}".encode(),
    "work.ipynb": json.dumps(NOTEBOOK).encode(),
    "result.json": json.dumps({"auc": 0.9, EVIL: [1, {"deep": None}], "nan": math.nan}).encode(),
    "model.bin": bytes(range(256)),
    f"{EVIL.replace('/', '')}.txt": b"named by an attacker",
    "مرحبا/😀.txt": b"right to left",
}


def put_file(run, path, content):
    """A file as the wire would bring it."""
    announced = check_announced(path=path, size=len(content), sha256=sha256(content).hexdigest(), field="files.0")
    [wanted] = services.announce_files(run=run, files=[announced])
    if wanted.upload is not None:
        services.receive_part(upload=wanted.upload, offset=0, chunks=[content])
        services.commit_upload(upload=Upload.objects.get(pk=wanted.upload.pk))


def new_full_run(project, by, *, files=FILES, finish=True):
    """A run with all of it."""
    run, _ = create_run(
        project=project,
        experiment="full",
        actor=by,
        name=EVIL,
        description=EVIL,
        origin=Origin(
            entry_point="train.py --name 'a b' ; rm -rf /",
            host="gpu-1",
            user="bob",
            code={
                "repository": "https://git.example.org/team/churn.git",
                "commit": "1a2b3c4d" * 5,
                "branch": "main",
                "dirty": True,
                "diff": DIFF,
                "folder": "src/deep",
                "untracked": 2,
            },
            environment={
                "digest": "sha256:" + "cd" * 32,
                "lock": LOCK,
                "python": "CPython 3.12.3",
                "platform": "Linux",
            },
        ),
        params={
            "optimizer.lr": 0.1,
            "optimizer.name": "adam",
            "seed": 1,
            EVIL: EVIL,
            "long": "x" * 5_000,
            "huge": 10**400,
        },
        tags={"team": "risk", EVIL: EVIL},
    )
    series = [
        ("loss", points([1.0, math.nan, 0.5, math.inf])),
        ("train/acc", points([0.1, 0.9])),
        ("train/f1", points([0.2, 0.8])),
        ("val/acc", points([0.1, 1e300])),
        (EVIL, points([math.nan])),
    ]
    write_batch(run=run, writer=uuid4(), sequence=1, metrics=series)
    for path, content in files.items():
        put_file(run, path, content)
    return services.finish_run(run=run, status="finished", actor=by) if finish else run


__all__ = ["FILES", "new_full_run", "new_run", "parquet", "put_file"]
