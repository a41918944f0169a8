"""What accounts put on the ledger, by name, each with the sentence that people read."""

from audit import actions

ACTIONS = {
    "account.create": "created the account {target}",
    "account.update": "changed the account {target}",
    "account.deactivate": "deactivated the account {target} and ended its tokens and sessions",
    "account.reactivate": "reactivated the account {target}",
    "project.create": "created the project {target}",
    "project.update": "changed the project {target}",
    "project.archive": "archived the project {target}",
    "project.restore": "restored the project {target}",
    "membership.set_role": "gave {target} a role",
    "membership.remove": "removed {target} from the project",
    "token.create": "made the token {target}",
    "token.revoke": "revoked the token {target}",
    "login_link.create": "made a sign-in link for {target}",
    "session.begin": "signed in as {target}",
    "session.end": "signed out {target}",
}

FULLER = {"membership.set_role": "gave {target} the role {role}"}

for _name, _sentence in ACTIONS.items():
    actions.register(name=_name, sentence=_sentence, fuller=FULLER.get(_name, ""))
