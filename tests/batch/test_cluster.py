"""Batches on a real Dask cluster and against a real S3 server, both started here."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pytest
from batch_process import start

pytest.importorskip("distributed", reason="needs the extra rawclean[cluster]")
pytest.importorskip("s3fs", reason="needs the extra rawclean[cluster]")

pytestmark = pytest.mark.cluster

PHOTOS_FOR_SECONDS = 60
"""At 0.13 s each, a run that does not end while a busy machine keeps this process waiting."""


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def answers(port):
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0


def wait_until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.2)


class Cluster:
    """A scheduler and its workers, each a process."""

    def __init__(self, folder, environment):
        self.address = f"tcp://127.0.0.1:{free_port()}"
        self._folder, self._environment = folder, environment
        self._scheduler = self._start("scheduler", "--host", self.address, "--no-dashboard")
        self.workers = []

    def add_worker(self, *arguments):
        worker = self._start("worker", self.address, "--nthreads", "1", "--no-dashboard", *arguments)
        self.workers.append(worker)

    def client(self):
        from distributed import Client

        return Client(self.address)

    def wait_for_workers(self):
        with self.client() as client:
            client.wait_for_workers(len(self.workers), timeout=60)

    def stop(self):
        for process in (*self.workers, self._scheduler):
            process.kill()
            process.wait()

    def _start(self, *arguments):
        command = [sys.executable, "-m", "dask", *arguments]
        with (self._folder / f"{arguments[0]}-{time.monotonic_ns()}.log").open("wb") as log:
            return subprocess.Popen(command, stdout=log, stderr=log, env=self._environment, cwd=self._folder)


@pytest.fixture
def environment(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return dict(os.environ)


@pytest.fixture
def cluster(tmp_path, environment):
    folder = tmp_path / "dask"
    folder.mkdir()
    cluster = Cluster(folder, environment)
    yield cluster
    cluster.stop()


@pytest.fixture
def shoot(tmp_path, sample):
    folder = tmp_path / "shoot"
    folder.mkdir()
    fill(folder, sample, 8)
    (folder / "broken.dng").write_bytes(sample.read_bytes()[:5000])
    return folder


def fill(folder, sample, photos):
    for number in range(photos):
        shutil.copy(sample, folder / f"{number}.dng")


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.glob("*.dng")}


def test_a_cluster_gives_what_this_machine_gives_though_a_worker_dies(shoot, cluster, rawclean, tmp_path):
    for _ in range(3):
        cluster.add_worker("--no-nanny")  # which would start it again
    cluster.wait_for_workers()
    process = start(shoot, "--out", tmp_path / "out", "--scheduler", cluster.address)
    first = process.stdout.readline()
    cluster.workers[0].send_signal(signal.SIGKILL)
    rest, err = process.communicate(timeout=120)
    lines = [json.loads(line) for line in (first + rest).splitlines()]
    assert process.returncode == 3
    assert [Path(line["job"]["source"]).name for line in lines if line["error"]] == ["broken.dng"]
    assert len(lines) == 9
    assert "Traceback" not in err
    rawclean("batch", shoot, "--out", tmp_path / "here", "--quiet")
    assert contents(tmp_path / "out") == contents(tmp_path / "here")
    again = start(shoot, "--out", tmp_path / "out", "--scheduler", cluster.address)
    assert again.communicate(timeout=60)[0].count('"done before"') == 8


@pytest.fixture
def large_photo(tmp_path, sample, shoot):
    """A photo that needs more memory than the workers of the next test have."""
    picture = np.tile(np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8), (80, 80, 1))
    imageio.imwrite(tmp_path / "large.png", picture)
    subprocess.run(
        [sys.executable, "-m", "rawclean", "simulate", tmp_path / "large.png", "-o", shoot / "large.dng"], check=True
    )


def test_a_photo_that_kills_its_workers_is_given_up(large_photo, shoot, tmp_path, environment):
    """As a decoder that crashes would: whoever takes the photo is killed, here by Dask's guard of the memory."""
    environment["DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES"] = "1"
    folder = tmp_path / "dask"
    folder.mkdir()
    cluster = Cluster(folder, environment)
    try:
        cluster.add_worker("--memory-limit", "900MB")
        cluster.add_worker("--memory-limit", "900MB")
        cluster.wait_for_workers()
        out, err = start(shoot, "--out", tmp_path / "out", "--scheduler", cluster.address).communicate(timeout=240)
    finally:
        cluster.stop()
    lines = {Path(line["job"]["source"]).name: line for line in map(json.loads, out.splitlines())}
    assert "given up" in lines["large.dng"]["error"]
    assert "Traceback" not in err
    assert [name for name, line in lines.items() if line["error"]] == ["broken.dng", "large.dng"]


def test_workers_with_a_gpu_do_the_work(shoot, cluster, tmp_path):
    cluster.add_worker("--no-nanny", "--name", "plain")
    cluster.add_worker("--no-nanny", "--name", "graphics", "--resources", "GPU=1")
    cluster.wait_for_workers()
    start(shoot, "--out", tmp_path / "out", "--scheduler", cluster.address).communicate(timeout=120)
    with cluster.client() as client:
        executed = client.run(lambda dask_worker: (dask_worker.name, str(dask_worker.state.log).count("_denoised")))
    assert {name: count > 0 for name, count in executed.values()} == {"plain": False, "graphics": True}


def test_ctrl_c_stops_a_run_on_a_cluster_and_the_next_goes_on(shoot, cluster, tmp_path, sample):
    fill(shoot, sample, PHOTOS_FOR_SECONDS)
    cluster.add_worker("--no-nanny")
    cluster.wait_for_workers()
    process = start(shoot, "--out", tmp_path / "out", "--scheduler", cluster.address)
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "run the same command again" in err
    assert "Traceback" not in err
    before = len(contents(tmp_path / "out"))
    start(shoot, "--out", tmp_path / "out", "--scheduler", cluster.address).communicate(timeout=120)
    assert before < len(contents(tmp_path / "out")) == PHOTOS_FOR_SECONDS


def test_no_scheduler_is_one_clear_line(shoot, rawclean):
    result = rawclean("batch", shoot, "--scheduler", f"tcp://127.0.0.1:{free_port()}")
    assert result.status == 1
    assert "no Dask scheduler answers" in result.err
    assert len(result.err.splitlines()) == 1


@pytest.fixture
def s3(environment, monkeypatch):
    """A real S3 server, empty; where it is, is in the environment as for every other client."""
    port = free_port()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    command = [sys.executable, "-m", "moto.server", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until(lambda: answers(port))
    import boto3

    yield boto3.client("s3")
    server.kill()
    server.wait()


def test_photos_and_results_in_an_s3_bucket(s3, shoot, rawclean, tmp_path):
    s3.create_bucket(Bucket="archive")
    (shoot / "0.xmp").write_text('<x:xmpmeta xmlns:x="adobe:ns:meta/"/>')
    for path in shoot.iterdir():
        s3.upload_file(str(path), "archive", f"2026/{path.name}")
    command = ("s3://archive/2026", "--out", "s3://archive/clean/2026")
    process = start(*command)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 3
    assert "broken.dng" in err
    rawclean("batch", shoot, "--out", tmp_path / "here", "--quiet")
    stored = {entry["Key"] for entry in s3.list_objects_v2(Bucket="archive", Prefix="clean/")["Contents"]}
    assert stored == {"clean/2026/0.xmp", *(f"clean/2026/{number}.dng" for number in range(8))}
    for name, content in contents(tmp_path / "here").items():
        assert s3.get_object(Bucket="archive", Key=f"clean/2026/{name}")["Body"].read() == content
    s3.delete_object(Bucket="archive", Key="clean/2026/3.dng")
    again, _ = start(*command).communicate(timeout=120)
    lines = {line["job"]["name"]: line for line in map(json.loads, again.splitlines())}
    assert [name for name, line in lines.items() if line["report"]] == ["3.dng"]


@pytest.mark.usefixtures("s3")
def test_a_bucket_that_is_not_there_is_one_clear_line():
    process = start("s3://nowhere/2026", "--out", "s3://nowhere/clean")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert len(err.splitlines()) == 1
    assert "s3://nowhere/2026" in err
