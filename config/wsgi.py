"""The WSGI application that the web process serves."""

import os

from django.core.wsgi import get_wsgi_application

from config import database

database.work = "web"
os.environ.setdefault("LINEAL_PROCESS", "web")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_wsgi_application()
