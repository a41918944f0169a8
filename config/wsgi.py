"""The WSGI application that the web process serves."""

import gc
import os

from django.core.wsgi import get_wsgi_application

from config import setting_up

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
setting_up.begin("web", work="web")
application = get_wsgi_application()

# What is loaded by now stays. Left to the collector, it is walked through whenever an answer of thousands of values is built,
# which shows as some 70 ms on every twentieth page of runs.
gc.collect()
gc.freeze()
