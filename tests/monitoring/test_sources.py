"""Folders of Parquet: read where the server's owner allows it and nowhere else, each window once, by the client's command."""

from datetime import timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core import clock
from core.access import system_principal
from monitoring import services
from monitoring.errors import NameTaken, SourceRefused
from monitoring.models import Monitor, ProfilePart, Source
from monitoring.services.sources import MOST_ATTEMPTS, due_sources, profile_source
from monitoring.sources import MOST_FILES, NotReadable, check_pattern, files_for
from tests.monitoring.production import day, new_trained_version, promote, rows, states

pytestmark = pytest.mark.django_db


@pytest.fixture
def root(tmp_path, settings):
    folder = tmp_path / "data"
    folder.mkdir()
    settings.DATA_ROOTS = [str(folder)]
    return folder


def write(path, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    table = {name: list(values) for name, values in rows(500, **options).items()}
    pq.write_table(pa.table(table), path)


def begin_at(source, start):
    """As if it had been made that day."""
    Source.objects.filter(pk=source.pk).update(next_start=start, next_at=start + timedelta(days=1))


@pytest.fixture
def make_source(watched, carol, root):
    def make(path, **options):
        return services.create_source(monitor=watched, path=str(root / path), actor=carol, **options)

    return make


def work_off():
    for source_id in due_sources():
        profile_source(source_id=source_id)


def test_each_window_is_profiled_from_its_own_files(make_source, root, watched, judge, recorded_actions):
    source = make_source("day=%Y-%m-%d", predictions="age")
    begin_at(source, day(3))
    for back in (3, 2, 1):
        write(root / f"day={day(back):%Y-%m-%d}" / "a.parquet", seed=back, shift=3.0 * (back == 2))
    for _ in range(4):
        work_off()

    judge()

    assert [part.window.start for part in ProfilePart.objects.order_by("id")] == [day(3), day(2), day(1)]
    assert states(watched)[1] == "critical"
    assert set(ProfilePart.objects.values_list("received_from", "rows")) == {("lineal profile", 500)}
    source.refresh_from_db()
    assert (source.next_start, source.last_error) == (day(0), "")
    assert recorded_actions().count("source.create") == 1


def test_a_window_that_is_tried_again_is_one_part(make_source, root):
    source = make_source("rows.parquet")
    write(root / "rows.parquet")
    begin_at(source, day(2))
    profile_source(source_id=source.pk)
    write(root / "rows.parquet", seed=7)
    begin_at(source, day(2))

    profile_source(source_id=source.pk)

    assert ProfilePart.objects.count() == 1
    source.refresh_from_db()
    assert (source.next_start, source.last_error) == (day(1), "")


def test_what_is_not_there_is_said_tried_again_and_left(make_source, root, later):
    source = make_source("day=%d")
    begin_at(source, day(2))
    start = day(2)
    for _ in range(MOST_ATTEMPTS):
        work_off()
        later(4_000)

    source.refresh_from_db()
    assert source.last_error.startswith("There are no .parquet files at ")
    assert source.next_start == start + timedelta(days=1), "the next window has its turn"


def test_a_file_that_is_none_is_the_clients_to_tell(make_source, root):
    source = make_source("rows.parquet")
    (root / "rows.parquet").write_bytes(b"not Parquet at all")
    begin_at(source, day(2))

    work_off()

    source.refresh_from_db()
    assert source.last_error
    assert "Traceback" not in source.last_error
    assert source.attempts == 1


def test_at_a_time_of_day_it_waits_for_that(make_source):
    source = make_source("x", daily_at="03:30")

    assert source.next_at == source.next_start + timedelta(days=1, hours=3, minutes=30)


def test_the_next_version_is_fed_from_where_the_last_one_was(make_source, watched, project, bob, run_jobs):
    source = make_source("x")
    begin_at(source, day(2))

    promote(new_trained_version(project, bob), bob)
    run_jobs()

    latest = Monitor.objects.latest("id")
    assert [each.path for each in latest.sources.all()] == [source.path]
    assert due_sources() == [], "the old version is out of service, and the new one's window has not ended"


@pytest.mark.parametrize(
    "path", ["/etc", "/etc/passwd", "{root}/../secret", "{root}/..", "relative", "{root}/%s", "{root}/%%Y", "{root}/100%", "/",
             "{root}-beside"],
)  # fmt: skip
def test_paths_that_lead_elsewhere_are_refused(watched, carol, root, path):
    with pytest.raises(SourceRefused):
        services.create_source(monitor=watched, path=path.replace("{root}", str(root)), actor=carol)

    assert not Source.objects.exists()


def test_without_roots_nothing_is_read(watched, carol, settings):
    settings.DATA_ROOTS = []

    with pytest.raises(SourceRefused, match="LINEAL_DATA_ROOTS names no folder"):
        services.create_source(monitor=watched, path="/data", actor=carol)


def test_links_are_followed_before_anything_is_believed(make_source, root, tmp_path):
    write(tmp_path / "secret" / "a.parquet")
    (root / "folder").symlink_to(tmp_path / "secret")
    (root / "inner").mkdir()
    (root / "inner" / "a.parquet").symlink_to(tmp_path / "secret" / "a.parquet")
    with pytest.raises(SourceRefused):
        make_source("folder")

    with pytest.raises(NotReadable, match="does not lie in a folder"):
        files_for(str(root / "inner"), day(2), [str(root)])


def test_a_link_that_comes_later_is_met_when_it_is_read(make_source, root, tmp_path):
    source = make_source("folder")
    begin_at(source, day(2))
    write(tmp_path / "secret" / "a.parquet")
    (root / "folder").symlink_to(tmp_path / "secret")

    work_off()

    assert not ProfilePart.objects.exists()
    assert "does not lie in a folder" in Source.objects.get().last_error


def test_too_many_files_are_refused(root):
    for n in range(MOST_FILES + 1):
        (root / f"{n}.parquet").touch()

    with pytest.raises(NotReadable, match=f"more than {MOST_FILES}"):
        files_for(str(root), day(2), [str(root)])


def test_the_pattern_stands_for_the_windows_start(root):
    (root / "2026-11-20").mkdir()
    (root / "2026-11-20" / "07.parquet").touch()
    start = clock.from_micros(1_763_622_000_000_000).replace(year=2026)
    pattern = check_pattern(f"{root}/%Y-%m-%d/%H.parquet", [str(root)])

    assert files_for(pattern, start, [str(root)]) == [str(root / "2026-11-20" / "07.parquet")]


def test_a_path_is_a_source_once(make_source):
    make_source("x")

    with pytest.raises(NameTaken):
        make_source("x")


def test_sources_over_http(watched, api, bob, carol, root):
    client = api(carol)
    made = client.post(f"monitors/{watched.uuid}/sources", json={"path": f"{root}/%Y", "labels": "churned"})
    assert made.status_code == 201
    assert (
        client.post(f"monitors/{watched.uuid}/sources", json={"path": "/etc"}).json()["type"]
        == "/problems/source-invalid"
    )
    late = client.post(f"monitors/{watched.uuid}/sources", json={"path": f"{root}/z", "daily_at": "3 am"})
    assert [error["field"] for error in late.json()["errors"]] == ["daily_at"]

    listed = api(bob).get(f"monitors/{watched.uuid}/sources").json()["items"]
    assert listed == [made.json()]
    assert client.delete(f"monitors/{watched.uuid}/sources/{made.json()['id']}").status_code == 204
    assert (
        client.get(f"monitors/{watched.uuid}/sources/{made.json()['id']}").json()["type"]
        == "/problems/source-not-found"
    )


@pytest.mark.parametrize(
    "path",
    [
        "s3://other/fraud",
        "s3://serving/fraudulent/day",
        "s3://serving/fraud/../secret",
        "s3://serving//fraud",
        "s3://serving/fraud/*",
        "s3://serving",
        "/etc",
    ],
)
def test_an_address_outside_of_the_roots_is_refused(path):
    with pytest.raises(NotReadable):
        check_pattern(path, ["s3://serving/fraud"])
    with pytest.raises(NotReadable):
        files_for(path, day(1), ["s3://serving/fraud"])


def test_a_folder_of_a_bucket_is_read_like_one_here(make_source, bucket, settings, tmp_path, watched, monkeypatch):
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    root = f"s3://{bucket.name}/some/prefix/fraud"
    settings.DATA_ROOTS = [root]
    for name in (f"fraud/day={day(1):%Y-%m-%d}/a.parquet", "fraud/day=other.parquet", "elsewhere/a.parquet"):
        write(tmp_path / "one.parquet", seed=1)
        bucket.write(name, (tmp_path / "one.parquet").read_bytes())
    source = services.create_source(
        monitor=watched, path=f"{root}/day=%Y-%m-%d", actor=system_principal("tests"), predictions="age"
    )
    begin_at(source, day(1))

    work_off()

    source.refresh_from_db()
    assert source.last_error == ""
    assert files_for(f"{root}/day=%Y-%m-%d", day(1), [root]) == [f"{root}/day={day(1):%Y-%m-%d}/a.parquet"]
    assert ProfilePart.objects.count() == 1
