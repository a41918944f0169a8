"""The REST routes of accounts, and what every room's routes need of them: authentication and `ProjectView`."""
