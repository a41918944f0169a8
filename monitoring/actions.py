"""What the monitoring room puts on the ledger, by name, each with the sentence that people read."""

from audit import actions

ACTIONS = {
    "trigger.create": "made the trigger {target}",
    "trigger.update": "changed the trigger {target}",
    "trigger.delete": "deleted the trigger {target}",
    "trigger.fire": "fired the trigger {target}",
    "trigger.fail": "could not reach what the trigger {target} starts",
    "intake_hook.create": "made the intake hook {target}",
    "intake_hook.update": "changed the intake hook {target}",
    "intake_hook.renew_secret": "renewed the secret of the intake hook {target}",
    "intake_hook.delete": "deleted the intake hook {target}",
}

for _name, _sentence in ACTIONS.items():
    actions.register(name=_name, sentence=_sentence)
