"""REST routes of this room, below /api/v1/."""

from django.urls import path

from tracking.api import artifacts, charts, datasets, experiments, metrics, runs, search, sweeps, uploads

urlpatterns = [
    path("experiments", experiments.Experiments.as_view()),
    path("experiments/<path:name>/restore", experiments.RestoreExperiment.as_view()),
    path("experiments/<path:name>/purge", experiments.PurgeExperiment.as_view()),
    path("experiments/<path:name>", experiments.OneExperiment.as_view()),
    path("runs", runs.Runs.as_view()),
    path("runs/search", search.SearchRuns.as_view()),
    path("runs/count", search.CountRuns.as_view()),
    path("runs/<str:id>", runs.OneRun.as_view()),
    path("runs/<str:id>/archive", runs.ArchiveRun.as_view()),
    path("runs/<str:id>/delete", runs.DeleteRun.as_view()),
    path("runs/<str:id>/restore", runs.RestoreRun.as_view()),
    path("runs/<str:id>/purge", runs.PurgeRun.as_view()),
    path("runs/<str:id>/resume", runs.ResumeRun.as_view()),
    path("runs/<str:id>/finish", runs.FinishRun.as_view()),
    path("runs/<str:id>/inputs", runs.RunInputs.as_view()),
    path("runs/<str:id>/outputs", runs.RunOutputs.as_view()),
    path("runs/<str:id>/tags/<path:key>", runs.RunTag.as_view()),
    path("runs/<str:id>/params/<path:key>/corrections", runs.CorrectParam.as_view()),
    path("runs/<str:id>/metrics", metrics.Metrics.as_view()),
    path("runs/<str:id>/series", metrics.Series.as_view()),
    path("runs/<str:id>/series/raw", metrics.RawSeries.as_view()),
    path("runs/<str:id>/artifacts", artifacts.Artifacts.as_view()),
    path("runs/<str:id>/artifacts/content", artifacts.ArtifactContent.as_view()),
    path("runs/<str:id>/artifacts/contents/search", artifacts.ArtifactContents.as_view()),
    path("runs/<str:id>/artifacts/pack", uploads.UploadPack.as_view()),
    path("series/search", charts.SearchSeries.as_view()),
    path("series/raw/search", charts.SearchRawSeries.as_view()),
    path("uploads/<uuid:id>", uploads.OneUpload.as_view()),
    path("uploads/<uuid:id>/links", uploads.UploadLinks.as_view()),
    path("uploads/<uuid:id>/commit", uploads.CommitUpload.as_view()),
    path("sweeps", sweeps.Sweeps.as_view()),
    path("sweeps/<uuid:uuid>", sweeps.OneSweep.as_view()),
    path("datasets", datasets.Datasets.as_view()),
    path("datasets/<path:name>/versions", datasets.DatasetVersions.as_view()),
    path("datasets/<path:name>/versions/<str:ref>", datasets.OneDatasetVersion.as_view()),
    path("datasets/<path:name>", datasets.OneDataset.as_view()),
]
