"""The directory: which accounts a caller may know of."""

from django.db.models import Q, QuerySet

from accounts.models import Account
from core.access import Permission, Principal, Role, can_administer
