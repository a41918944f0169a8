"""What the monitoring room puts on the ledger, by name, each with the sentence that people read."""

from audit import actions

ACTIONS = {
    "intake_hook.create": "made the intake hook {target}",
    "intake_hook.update": "changed the intake hook {target}",
    "intake_hook.renew_secret": "renewed the secret of the intake hook {target}",
    "intake_hook.delete": "deleted the intake hook {target}",
}

for _name, _sentence in ACTIONS.items():
    actions.register(name=_name, sentence=_sentence)
