from tracking.models import *
from tracking.search import *


def test_smoke(project):
    from uuid import uuid4

    e = Experiment.objects.create(project=project, name="e", created_by="a")
    r = Run.objects.create(project=project, experiment=e, name="r1", created_by="alice", created_by_id=uuid4())
    r2 = Run.objects.create(
        project=project, experiment=e, name="r2", created_by="alice", created_by_id=uuid4(), parent=r
    )
    Series.objects.create(
        run=r, experiment=e, key="loss", count=3, last=0.5, last_step=2, last_time=0, min=0.1, max=0.9
    )
    Param.objects.create(run=r, experiment=e, key="lr", value="0.1", head="0.1", kind="f", number=0.1)
    Param.objects.create(run=r2, experiment=e, key="lr", value="auto", head="auto", kind="s")
    Tag.objects.create(run=r2, experiment=e, key="t", value="Äa[*]\n", head="Äa[*]\n")

    def q(f, **k):
        return [x.name for x in search_runs(project=project, filter=f, **k).items]

    assert q("") == ["r2", "r1"]
    assert q("metrics.loss<1 and min(metrics.loss)>0 and count(metrics.loss)>2.5") == ["r1"]
    assert q("not metrics.loss<1") == ["r2"]
    assert q("params.lr = 0.1") == ["r1"]
    assert q("params.lr != 0.1") == []
    assert q("params.lr != '0.1'") == ["r2"]
    assert q("params.lr > 'a'") == ["r2"]
    assert q("tags.t ilike 'äA[*]_'") == ["r2"]
    assert q("tags.t like 'Äa[*]%'") == ["r2"]
    assert q("tags.t like 'äa[*]%'") == []
    assert q("parent is null") == ["r1"]
    assert q(f"parent = '{r.uuid.hex}' and experiment = 'e' and name is not null") == ["r2"]
    assert q("name is null or environment = 'x' or datasets.name = 'x'") == []
    for o in [
        "metrics.loss",
        "params.lr desc",
        "tags.t",
        "name",
        "created_at desc",
        "parent",
        "environment",
        "experiment",
        "code.dirty",
        "sealed",
        "host",
        "id",
        "ended_at",
        "min(metrics.loss)",
        "count(metrics.loss)",
    ]:
        for f in ["", "metrics.loss desc", "params.lr", "host", "tags.t"]:
            p = search_runs(project=project, order_by=[o] + ([f] if f else []), limit=1)
            n = search_runs(project=project, order_by=[o] + ([f] if f else []), limit=1, cursor=p.next_cursor)
            assert n.next_cursor is None
            assert {x.name for x in p.items + n.items} == {"r1", "r2"}, (o, f)
