"""How a run could be made again: its recipe, and the diff and the lock that the recipe applies."""

from typing import Any

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.access import Permission
from core.errors import NotFound
from tracking import selectors
from tracking.api.base import RunView
from tracking.recipes import Recipe, recipe_of
from tracking.selectors.recipes import ingredients_of

TEXT = {(200, "text/plain"): OpenApiTypes.STR}


class StepOut(serializers.Serializer):
    title = serializers.CharField()
    lines = serializers.ListField(child=serializers.CharField(allow_blank=True))
    missing = serializers.ListField(child=serializers.CharField())


class RecipeOut(serializers.Serializer):
    complete = serializers.BooleanField(help_text="Whether all that the run said it used can be brought back.")
    missing = serializers.ListField(child=serializers.CharField())
    steps = StepOut(many=True)
    script = serializers.CharField(help_text="All steps as one POSIX shell script.")


class NothingRecorded(NotFound):
    """The run is there, and what was asked for was not recorded with it."""

    code = "not-recorded"
    title = "Not recorded"


class RunRecipe(RunView):
    permissions = {"GET": Permission.PROJECT_READ}

    @extend_schema(responses=RecipeOut)
    def get(self, request: Request, id: str) -> Response:  # noqa: A002 - the path names it so
        """Steps that make the run again, as far as it was recorded, and what is missing."""
        return Response(recipe_out(recipe_of(ingredients_of(self.get_run(id), project=self.project))))


class RunDiffText(RunView):
    permissions = {"GET": Permission.PROJECT_READ}

    @extend_schema(responses=TEXT)
    def get(self, request: Request, id: str) -> HttpResponse:  # noqa: A002 - the path names it so
        """The changes that were not committed, as the client sent them, for `git apply`."""
        run = self.get_run(id)
        return _text(selectors.code_diff(run), f"{run.uuid.hex}.diff", "The run has no recorded diff.")


class RunLockText(RunView):
    permissions = {"GET": Permission.PROJECT_READ}

    @extend_schema(responses=TEXT)
    def get(self, request: Request, id: str) -> HttpResponse:  # noqa: A002 - the path names it so
        """The packages that the run had, a line `name==version` each."""
        run = self.get_run(id)
        lock = run.environment.lock if run.environment else ""
        return _text(lock, f"{run.uuid.hex}-lock.txt", "The run has no recorded lock.")


def recipe_out(recipe: Recipe) -> dict[str, Any]:
    return {
        "complete": recipe.is_complete,
        "missing": list(recipe.missing),
        "steps": [
            {"title": step.title, "lines": list(step.lines), "missing": list(step.missing)} for step in recipe.steps
        ],
        "script": recipe.script,
    }


def _text(text: str, name: str, missing: str) -> HttpResponse:
    if not text:
        raise NothingRecorded(missing)
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-cache"}
    return HttpResponse(text, content_type="text/plain; charset=utf-8", headers=headers)
