"""Published schemas, under `/schemas/`."""

from django.urls import path

from registry.api.schema_file import promotion_schema

urlpatterns = [path("promotion/v1.json", promotion_schema, name="promotion-schema")]
