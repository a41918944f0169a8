"""What this room puts on the ledger, by name, each with the sentence that people read."""

from audit import actions

ACTIONS = {
    "hold.add": "put a hold on {target}",
    "hold.remove": "lifted a hold from {target}",
    "deletion.request": "asked for the deletion {target}",
    "deletion.finish": "finished the deletion {target}",
    "deletion.cancel": "cancelled the rest of the deletion {target}",
}

for _name, _sentence in ACTIONS.items():
    actions.register(name=_name, sentence=_sentence)
