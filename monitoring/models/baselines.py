"""Baselines: what the data of a version looked like when it was trained, which production is compared with."""

from django.db import models

from core.clock import now


class Baseline(models.Model):
    """One version's baseline. `document` holds the exact bytes of the profile, `sha256` is of those.

    `sealed_key` is the hashing key of the profile, which whoever profiles against it needs; empty where nobody has told
    it: then windows are judged as far as hashes go, and no reference is handed out.
    """

    version = models.OneToOneField("registry.ModelVersion", on_delete=models.PROTECT, related_name="+")
    document = models.BinaryField()
    sha256 = models.CharField(max_length=64)
    privacy = models.CharField(max_length=8)
    rows = models.PositiveBigIntegerField()
    key_name = models.CharField(max_length=16)  # what profiles call the key by
    sealed_key = models.BinaryField(default=b"")
    reference_id = models.CharField(max_length=64, default="")  # of what is pinned; empty without the key
    source = models.CharField(max_length=1024)  # the artifact it was frozen from; empty if it was put by hand
    frozen_at = models.DateTimeField(default=now)
    frozen_by_id = models.UUIDField()  # the account's lasting id, a plain value
    frozen_by = models.CharField(max_length=128)
