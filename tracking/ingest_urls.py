"""The routes that training asks all day, below /api/v1/. They stand first in the URL map, which is looked through in order."""

from django.urls import path

from tracking.api import batches

urlpatterns = [
    path("runs/<str:id>/batches", batches.Batches.as_view()),
    path("batches", batches.ManyBatches.as_view()),
]
