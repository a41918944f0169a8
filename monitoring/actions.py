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
    "baseline.freeze": "froze the baseline of {target}",
    "baseline.replace": "replaced the baseline of {target}",
    "monitor.create": "began to watch {target}",
    "monitor.update": "changed the monitor of {target}",
    "window.evaluate": "judged a window of {target}",
    "window.accept": "accepted a window of {target} as normal",
    "window.reject": "no longer takes a window of {target} as normal",
    "alert.open": "opened an alert on {target}",
    "alert.update": "saw an alert on {target} change",
    "alert.acknowledge": "took on an alert on {target}",
    "alert.close": "closed an alert on {target}",
    "source.create": "had files profiled for {target}",
    "source.delete": "no longer has files profiled for {target}",
}

for _name, _sentence in ACTIONS.items():
    actions.register(name=_name, sentence=_sentence)
