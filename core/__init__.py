"""What every room stands on: errors, access, ids, time, jobs and outbox, object storage, pagination. Imports none of our rooms."""
