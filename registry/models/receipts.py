"""Receipts: signed statements of promotions, kept exactly as they are handed out."""

from django.db import models

from core.clock import now
from core.ids import uuid7
from registry.models.promotions import Promotion


class Receipt(models.Model):
    """`envelope` is the DSSE envelope's exact text, `sha256` of its bytes, `vkey` the public key that verifies it."""

    uuid = models.UUIDField(unique=True, default=uuid7, editable=False)
    promotion = models.OneToOneField(Promotion, on_delete=models.PROTECT, related_name="receipt")
    envelope = models.TextField()
    sha256 = models.CharField(max_length=64)
    vkey = models.CharField(max_length=300)
    created_at = models.DateTimeField(default=now, editable=False)
