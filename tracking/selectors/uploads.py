"""Reads of uploads under way."""

from uuid import UUID

from core.access import ProjectRef
from tracking.errors import UploadNotFound
from tracking.models import Upload


def get_upload(*, project: ProjectRef, id: UUID) -> Upload:  # noqa: A002 - what it is called everywhere else
    """Raises UploadNotFound, for another project's upload too."""
    rows = Upload.objects.select_related("run__project")
    upload = rows.filter(run__project_id=project.id, uuid=id).first()
    if upload is None:
        raise UploadNotFound
    return upload
