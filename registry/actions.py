"""What the registry puts on the ledger, by name, each with the sentence that people read."""

from audit import actions

ACTIONS = {
    "model.create": "created the model {target}",
    "model.update": "changed the model {target}",
    "model.delete": "deleted the model {target}",
    "model.restore": "restored the model {target}",
    "model.purge": "purged the model {target}",
    "model_version.register": "registered {target}",
    "model_version.update": "changed {target}",
    "model_version.pin_seal": "pinned {target} to its run's seal",
    "model_version.verify": "matched every stored byte of {target} to its digest",
    "model_version.quarantine": "quarantined {target}",
    "model_version.retire": "retired {target}",
    "model_version.delete": "deleted {target}",
    "model_version.restore": "restored {target}",
    "model_version.purge": "purged {target}",
    "evidence.attach": "attached evidence to {target}",
    "alias.set": "pointed the alias {target}",
    "alias.delete": "deleted the alias {target}",
    "environment.create": "created the environment {target}",
    "environment.set_policy": "changed the policy of the environment {target}",
    "policy.create": "wrote the policy {target}",
    "policy.revise": "reworded the policy {target}",
    "promotion.request": "asked for the promotion {target}",
    "promotion.judge": "judged the promotion {target} again, as its evidence had changed",
    "promotion.approve": "approved the promotion {target}",
    "promotion.refuse": "refused the promotion {target}",
    "promotion.commit": "carried out the promotion {target}",
    "promotion.fail": "was refused the promotion {target} by its gates",
    "promotion.cancel": "cancelled the promotion {target}",
    "promotion.expire": "let the promotion {target} expire",
    "deployment.report": "reported the deployment {target}",
    "deployment.update": "changed the deployment {target}",
    "deployment.mismatch": "found that {target} is not what was promoted",
    "deployment.end": "ended the deployment {target}",
    "receipt_key.create": "made the key {target}, which signs receipts",
}

FULLER = {
    "alias.set": "pointed the alias {target} at version {version}",
    "environment.set_policy": "put the environment {target} under the policy {policy}",
    "policy.revise": "reworded the policy {target}, which is now at revision {revision}",
    "evidence.attach": "attached the evidence {name} to {target}, with the verdict {verdict}",
    "deployment.update": "changed the deployment {target} to a share of {traffic_share} of the traffic",
}

for _name, _sentence in ACTIONS.items():
    actions.register(name=_name, sentence=_sentence, fuller=FULLER.get(_name, ""))
