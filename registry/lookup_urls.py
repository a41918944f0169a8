"""The route that whatever serves a model asks all day, below /api/v1/. It stands near the head of the URL map, which is looked through
in order.
"""

from django.urls import path

from registry.api import aliases

urlpatterns = [path("models/<str:name>/aliases/<str:alias>", aliases.OneAlias.as_view(), name="alias")]
