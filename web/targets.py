"""From what a ledger entry is about to the page that shows it, where there is one."""

from collections.abc import Mapping
from typing import Any

from django.urls import NoReverseMatch, reverse


def target_url(body: Mapping[str, Any]) -> str:
    """The page of the entry's object, as the entry names it; "" where no page is known. Asks nothing of the database."""
    project, target = body["project"], body["target"]
    if project is None:
        return ""
    page = {
        "run": ("web:run_detail", target["id"]),
        "promotion": ("web:promotion_detail", target["id"]),
        "monitor": ("web:monitor_detail", target["id"]),
        "subscription": ("web:subscription_detail", target["id"]),
        "model": ("web:model_detail", target["label"]),
        "dataset_version": ("web:dataset_detail", target["label"]),
    }.get(target["type"])
    if page is None:
        return ""
    view, key = page
    try:
        return reverse(view, args=[project["name"], key])
    except NoReverseMatch:  # an id or a name of an earlier time, which no address can hold any more
        return ""
