"""What the routes of runs share: finding the run, and asking for more where it is somebody else's."""

from typing import Any

from accounts.api.base import ProjectView
from core.ids import parse_run_id
from retention import kinds
from tracking import selectors
from tracking.api.render import runs_out
from tracking.models import Run


class RunView(ProjectView):
    """A route about one run of the project."""

    def get_run(self, id: str) -> Run:  # noqa: A002 - the path names it so
        return selectors.get_run(project=self.project, id=parse_run_id(id))

    def get_own_run(self, id: str) -> Run:  # noqa: A002 - the path names it so
        """The run, for an act that its creator may do to it, and others only with the permission to delete runs."""
        run = self.get_run(id)
        self.check_project(kinds.get_kind("run").to_change(creator=run.created_by_id, by=self.principal))
        return run

    def rendered(self, run: Run) -> dict[str, Any]:
        [told] = runs_out([run.pk], project=self.project)
        return told
