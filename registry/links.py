"""Where the registry's things are found: paths of pages and routes, below the server's address."""

from urllib.parse import quote, urlencode

from registry.models import Deployment, ModelVersion, Promotion, Receipt


def version_page(version: ModelVersion) -> str:
    return version_page_of(version.model.project.name, version.model.name, version.number)


def version_page_of(project: str, model: str, number: int) -> str:
    return f"/projects/{quote(project)}/models/{quote(model, safe='')}/versions/{number}"


def promotion_page(promotion: Promotion) -> str:
    return f"/projects/{quote(promotion.project.name)}/promotions/{promotion.uuid}"


def deployments_page(deployment: Deployment) -> str:
    """The deployments of its model."""
    query = urlencode({"model": deployment.version.model.name})
    return f"/projects/{quote(deployment.project.name)}/deployments?{query}"


def promotion_route(promotion: Promotion) -> str:
    return f"/api/v1/promotions/{promotion.uuid}?{urlencode({'project': promotion.project.name})}"


def receipt_route(receipt: Receipt) -> str:
    return f"/api/v1/receipts/{receipt.uuid}?{urlencode({'project': receipt.promotion.project.name})}"


def trace_route(version: ModelVersion) -> str:
    query = urlencode({"project": version.model.project.name, "of": f"model:{version.model.name}/{version.number}"})
    return f"/api/v1/lineage/trace?{query}"
