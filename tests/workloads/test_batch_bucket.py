"""A batch whose files lie in a bucket, over S3's own protocol."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from soloist_workloads.batch.partitions import plan_partitions
from soloist_workloads.batch.place import Place
from soloist_workloads.batch.problem import BatchProblem
from soloist_workloads.batch.records import forget, records
from soloist_workloads.batch.scoring import Scored, Target, score_partition
from tests.workloads.fake_s3 import FakeS3, fake_s3
from tests.workloads.test_batch_scoring import Doubling


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeS3]:
    """The variables are the keys of the Secret that the storage names."""
    with fake_s3() as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.uri)
        monkeypatch.setenv("AWS_REGION", "eu-central-1")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        yield server


def put(bucket: FakeS3, name: str, values: list[float]) -> None:
    sink = io.BytesIO()
    pq.write_table(pa.table({"x": values}), sink, row_group_size=2)
    bucket.objects[name] = sink.getvalue()


def score(scorer: Doubling) -> list[Scored]:
    place = Place("s3://flights/sets")
    partitions = plan_partitions(place, "in")
    target = Target(place, "out", "team/flights", "v1")
    done = [score_partition(scorer, one, target) for one in partitions]
    for record in records(place, "out"):
        if record.name not in {one.name for one in partitions}:
            forget(place, "out", record)
    return done


def files(bucket: FakeS3) -> list[str]:
    return [name for name in sorted(bucket.objects) if "/out/" in name and not name.endswith("/")]


def test_a_set_in_a_bucket_is_scored_left_out_and_forgotten(bucket: FakeS3) -> None:
    put(bucket, "flights/sets/in/day=1/a.parquet", [1.0, 5000.0, 3.0])
    bucket.objects["flights/sets/in/b.csv"] = b"x,id\n0.1,007\n"
    first = Doubling()
    assert [one.is_skipped for one in score(first)] == [False, False, False]
    assert files(bucket) == [
        "flights/sets/out/_refused/day=1/a-00000.parquet",
        "flights/sets/out/_soloist/b-00000.csv.json",
        "flights/sets/out/_soloist/day=1/a-00000.parquet.json",
        "flights/sets/out/_soloist/day=1/a-00001.parquet.json",
        "flights/sets/out/b-00000.csv",
        "flights/sets/out/day=1/a-00000.parquet",
        "flights/sets/out/day=1/a-00001.parquet",
    ]
    assert (
        bucket.objects["flights/sets/out/b-00000.csv"]
        == b'"x","id","prediction"\n"0.1","007","0.2"\n'
    )
    found = pq.read_table(io.BytesIO(bucket.objects["flights/sets/out/day=1/a-00001.parquet"]))
    assert found.to_pylist() == [{"x": 3.0, "prediction": 6.0}]

    again = Doubling()
    assert [one.is_skipped for one in score(again)] == [True, True, True]
    assert again.asked == 0

    del bucket.objects["flights/sets/in/day=1/a.parquet"]
    score(again)
    assert files(bucket) == [
        "flights/sets/out/_soloist/b-00000.csv.json",
        "flights/sets/out/b-00000.csv",
    ]


def test_a_bucket_without_the_set_is_said(bucket: FakeS3) -> None:
    bucket.objects["flights/other/a.csv"] = b"x\n1\n"
    with pytest.raises(BatchProblem, match=r"no file that ends with \.parquet or \.csv at in"):
        plan_partitions(Place("s3://flights/sets"), "in")
