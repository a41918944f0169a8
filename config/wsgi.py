"""The WSGI application that the web process serves."""

import os

from django.core.wsgi import get_wsgi_application

from config import setting_up

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
setting_up.begin("web", work="web")
application = get_wsgi_application()
