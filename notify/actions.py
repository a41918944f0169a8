"""What the notify room puts on the ledger, by name, each with the sentence that people read."""

from audit import actions

ACTIONS = {
    "subscription.create": "made the subscription {target}",
    "subscription.update": "changed the subscription {target}",
    "subscription.rotate_secret": "renewed the secret of the subscription {target}",
    "subscription.test": "sent a test message to the subscription {target}",
    "subscription.disable": "disabled the subscription {target}, which took no messages any more",
    "subscription.delete": "deleted the subscription {target}",
    "delivery.replay": "sent a message to the subscription {target} again",
}

for _name, _sentence in ACTIONS.items():
    actions.register(name=_name, sentence=_sentence)
