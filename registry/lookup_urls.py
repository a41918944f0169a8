"""The routes that whatever serves a model and whatever makes versions ask all day, below /api/v1/. They stand near the head of the URL
map, which is looked through in order.
"""

from django.urls import path

from registry.api import aliases, versions

urlpatterns = [
    path("models/<str:name>/aliases/<str:alias>", aliases.OneAlias.as_view(), name="alias"),
    path("models/<str:name>/versions", versions.Versions.as_view(), name="versions"),
]
