"""What triggers wait for and what they do, without the database: filters, calendars, and one module for each action."""
