"""What this room puts on the ledger, by name, each with the sentence that people read."""

from audit import actions

ACTIONS = {
    "experiment.create": "created the experiment {target}",
    "experiment.update": "changed the experiment {target}",
    "experiment.delete": "deleted the experiment {target}",
    "experiment.restore": "restored the experiment {target}",
    "experiment.purge": "purged the experiment {target}",
    "run.create": "started the run {target}",
    "run.update": "changed the run {target}",
    "run.finish": "ended the run {target}",
    "run.resume": "resumed the run {target}",
    "run.archive": "archived the run {target}",
    "run.delete": "deleted the run {target}",
    "run.restore": "restored the run {target}",
    "run.purge": "purged the run {target}",
    "run.seal": "sealed the run {target}",
    "param.correct": "corrected a param of the run {target}",
    "dataset.register": "registered a version of the dataset {target}",
    "blob.quarantine": "quarantined the stored object {target}",
    "blob.purge": "gave up stored objects that nothing refers to: {target}",
    "view.create": "saved the view {target}",
    "view.update": "changed the view {target}",
    "view.delete": "deleted the view {target}",
    "sweep.start": "started a sweep of the stored objects of {target}",
}

FULLER = {"run.finish": "ended the run {target} as {status}"}

for _name, _sentence in ACTIONS.items():
    actions.register(name=_name, sentence=_sentence, fuller=FULLER.get(_name, ""))
