"""What a trigger does, one module for each system that can start a job."""

from collections.abc import Mapping

from monitoring.triggers.actions import airflow, github, gitlab, webhook
from monitoring.triggers.actions.base import Action, Message, Send, Target

__all__ = ["ACTIONS", "Action", "Message", "Send", "Target"]

ACTIONS: Mapping[str, Action] = {
    "webhook": webhook.ACTION,
    "github": github.ACTION,
    "gitlab": gitlab.ACTION,
    "airflow": airflow.ACTION,
}
