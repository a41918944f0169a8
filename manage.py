"""Django's management commands for Lineal."""

import os
import sys

from django.core.management import execute_from_command_line

from config import database

if __name__ == "__main__":
    if sys.argv[1:2] in (["migrate"], ["audit_grants"]):
        database.work = "migration"  # as the role that owns the tables
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    execute_from_command_line(sys.argv)
