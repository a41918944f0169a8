"""Where accounts' routes hang, under /api/v1/."""

urlpatterns: list = []
