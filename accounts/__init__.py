"""People, service accounts, projects, roles, tokens and sign-in: who is there, and what each may reach."""
