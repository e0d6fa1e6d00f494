"""The files for each place agree with the processes: settings, ports, probes, and time to drain."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.files import (
    DEPLOY,
    KNOWN,
    ROOT,
    compose,
    dockerfile,
    documents,
    fly,
    manifests,
    railway,
    render,
    unit,
    variables,
)
from webhook.__main__ import GRACE
from webhook.settings import Settings as WebhookSettings
from worker.loop import WRITE_SECONDS
from worker.settings import Settings as WorkerSettings

PROBES = {"/livez", "/readyz"}
# The receiver's last recording may take as long as a call to Supabase may.
WEBHOOK_DRAIN = GRACE + 30
WORKER_DRAIN = 2 * WorkerSettings.model_fields["worker_grace_seconds"].default + WRITE_SECONDS
DRAIN = max(WEBHOOK_DRAIN, WORKER_DRAIN)
PORT = WebhookSettings.model_fields["webhook_port"].default
SPOOL = "/var/spool/wabase"


def seconds(value: str) -> int:
    number = re.fullmatch(r"(\d+)s", value)
    assert number, value
    return int(number[1])


def objects(kind: str) -> dict[str, dict[str, Any]]:
    """Kubernetes objects of a kind, by name."""
    return {one["metadata"]["name"]: one for one in manifests() if one["kind"] == kind}


def pod(process: str) -> dict[str, Any]:
    template: dict[str, Any] = objects("Deployment")[f"wabase-{process}"]["spec"]["template"]
    return template


def container(process: str) -> dict[str, Any]:
    (only,) = pod(process)["spec"]["containers"]
    return dict(only)


def names_set() -> Iterator[tuple[str, str]]:
    """Every variable that some file sets, with that file."""
    yield from (("fly.toml", name) for name in fly()["env"])
    yield from (("compose.yaml", name) for service in compose().values() for name in service["environment"])
    yield from (("render.yaml", one["key"]) for service in render() for one in service["envVars"])
    yield from (("kubernetes", one["name"]) for name in ("webhook", "worker") for one in container(name)["env"])
    yield from (("secret", name) for name in objects("Secret")["wabase"]["stringData"])
    for name in ("webhook", "worker"):
        set_here = [value for key, value in unit(name) if key == "Environment"]
        yield from (("systemd", pair.partition("=")[0]) for pair in shlex.split(" ".join(set_here)))
    yield from (("Procfile", name) for name in re.findall(r"\b([A-Z_]+)=", (ROOT / "Procfile").read_text()))
    yield from (
        (".env.example", n) for n in re.findall(r"^#? ?([A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.M)
    )


def test_every_variable_that_a_file_sets_is_read_by_somebody() -> None:
    found = list(names_set())
    assert {place for place, _ in found} > {"fly.toml", "compose.yaml", "kubernetes", "systemd"}
    assert [(place, name) for place, name in found if name not in KNOWN] == []


@pytest.mark.parametrize("process", [WebhookSettings, WorkerSettings])
def test_what_a_process_cannot_do_without_is_asked_for_everywhere(process: type[WebhookSettings]) -> None:
    required = {name.upper() for name, field in process.model_fields.items() if field.is_required()}
    assert required <= set(objects("Secret")["wabase"]["stringData"])
    name = "webhook" if process is WebhookSettings else "worker"
    (service,) = [one for one in render() if one["dockerCommand"] == name]
    assert required <= {one["key"] for one in service["envVars"]}


def test_nothing_is_killed_before_it_has_drained() -> None:
    assert seconds(fly()["kill_timeout"]) >= DRAIN
    assert [one for one in compose().values() if seconds(one["stop_grace_period"]) < DRAIN] == []
    assert [one for one in render() if one["maxShutdownDelaySeconds"] < DRAIN] == []
    assert railway("railway.json")["drainingSeconds"] >= DRAIN
    assert railway("railway.worker.json")["drainingSeconds"] >= DRAIN
    for name in ("webhook", "worker"):
        assert int(dict(unit(name))["TimeoutStopSec"]) >= DRAIN
        before = container(name).get("lifecycle", {}).get("preStop", {}).get("exec", {}).get("command", ["sleep", "0"])
        assert pod(name)["spec"]["terminationGracePeriodSeconds"] >= DRAIN + int(before[-1])


def test_a_procfile_worker_drains_in_the_half_minute_that_such_places_give() -> None:
    grace = re.search(r"WORKER_GRACE_SECONDS:-(\d+)", (ROOT / "Procfile").read_text())
    assert grace
    assert 2 * int(grace[1]) + WRITE_SECONDS < 30


def test_every_place_starts_the_images_commands() -> None:
    assert fly()["processes"] == {"webhook": "webhook", "worker": "worker"}
    assert {name: one["command"] for name, one in compose().items()} == {"webhook": ["webhook"], "worker": ["worker"]}
    assert [one["dockerCommand"] for one in render()] == ["webhook", "worker"]
    assert railway("railway.json")["startCommand"] == "webhook"
    assert railway("railway.worker.json")["startCommand"] == "worker"
    assert [container(name)["command"] for name in ("webhook", "worker")] == [["webhook"], ["worker"]]
    assert {(ROOT / "Dockerfile").name} == {Path(one["dockerfilePath"]).name for one in render()}
    assert (DEPLOY / fly()["build"]["dockerfile"]).resolve() == ROOT / "Dockerfile"


def test_every_probe_asks_a_path_and_a_port_that_answer() -> None:
    image = variables(dockerfile()[-1])
    assert {int(image["WEBHOOK_PORT"]), int(image["WORKER_STATUS_PORT"])} == {PORT}
    service = fly()["http_service"]
    assert service["internal_port"] == fly()["checks"]["worker"]["port"] == PORT
    paths = [*(check["path"] for check in service["checks"]), fly()["checks"]["worker"]["path"]]
    paths += [railway(name)["healthcheckPath"] for name in ("railway.json", "railway.worker.json")]
    paths += [one["healthCheckPath"] for one in render() if one["type"] == "web"]
    for name in ("webhook", "worker"):
        ports = {one["name"]: one["containerPort"] for one in container(name)["ports"]}
        assert ports == {"http": PORT}
        for probe in ("readinessProbe", "livenessProbe", "startupProbe"):
            asked = container(name)[probe]["httpGet"]
            assert asked["port"] in ports
            paths.append(asked["path"])
    assert set(paths) == PROBES


def test_alive_is_asked_where_a_no_kills_and_ready_where_it_only_turns_away() -> None:
    for name in ("webhook", "worker"):
        asked = {probe: container(name)[f"{probe}Probe"]["httpGet"]["path"] for probe in ("liveness", "readiness")}
        assert asked == {"liveness": "/livez", "readiness": "/readyz"}
    assert "/livez" in (DEPLOY / "docker/bin/healthcheck").read_text()


def test_nobody_is_root_and_nothing_is_written_but_the_spool() -> None:
    for name, service in compose().items():
        assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
        mounted = [line.split(":") for line in service.get("volumes", []) + service.get("tmpfs", [])]
        assert SPOOL in [part for line in mounted for part in line], name
    for name in ("webhook", "worker"):
        user = pod(name)["spec"]["securityContext"]
        assert f"{user['runAsUser']}:{user['runAsGroup']}" in [
            one.rest for one in dockerfile()[-1] if one.word == "USER"
        ]
        assert user["runAsNonRoot"] is True
        held = container(name)["securityContext"]
        assert (held["readOnlyRootFilesystem"], held["allowPrivilegeEscalation"]) == (True, False)
        assert [one["mountPath"] for one in container(name)["volumeMounts"]] == [SPOOL]
    assert variables(dockerfile()[-1])["TMPDIR"] == SPOOL


def test_the_workers_spool_has_room_for_all_that_it_fetches_at_a_time() -> None:
    fields = WorkerSettings.model_fields
    room = fields["worker_downloads"].default * fields["worker_media_limit_mb"].default
    (spool,) = pod("worker")["spec"]["volumes"]
    size = re.fullmatch(r"(\d+)Gi", spool["emptyDir"]["sizeLimit"])
    assert size
    assert int(size[1]) * 1024 >= 2 * room


def test_kubernetes_selectors_find_their_pods() -> None:
    labels = {name: pod(name)["metadata"]["labels"] for name in ("webhook", "worker")}
    for name in ("webhook", "worker"):
        assert objects("Deployment")[f"wabase-{name}"]["spec"]["selector"]["matchLabels"] == labels[name]
        assert objects("PodDisruptionBudget")[f"wabase-{name}"]["spec"]["selector"]["matchLabels"] == labels[name]
    assert objects("Service")["wabase-webhook"]["spec"]["selector"] == labels["webhook"]
    (rule,) = objects("Ingress")["wabase-webhook"]["spec"]["rules"]
    assert {path["backend"]["service"]["name"] for path in rule["http"]["paths"]} == {"wabase-webhook"}
    for scaler in (objects("HorizontalPodAutoscaler")["wabase-webhook"], objects("ScaledObject")["wabase-worker"]):
        assert scaler["spec"]["scaleTargetRef"]["name"] in objects("Deployment")
    assert "replicas" not in objects("Deployment")["wabase-webhook"]["spec"]
    assert {one for pair in container("webhook")["envFrom"] for one in pair["secretRef"].values()} == {"wabase"}


def test_a_proxy_passes_what_providers_and_signup_pages_ask_for_and_nothing_else() -> None:
    sources = [(ROOT / "webhook" / name).read_text() for name in ("app.py", "onboarding.py")]
    routes = re.findall(r'Route\("(/\w+)', sources[0]) + re.findall(r'Mount\("(/\w+)', sources[1])
    outside = {f"{route}/" for route in routes if route not in {*PROBES, "/metrics"}}
    assert outside == {"/webhooks/", "/onboarding/"}
    (rule,) = objects("Ingress")["wabase-webhook"]["spec"]["rules"]
    assert {path["path"] for path in rule["http"]["paths"]} == outside
    (passed,) = re.findall(r"^    @open path (.*)$", (ROOT / "docs/deploy/vm.md").read_text(), re.MULTILINE)
    assert {path.removesuffix("*") for path in passed.split()} == outside


def _released() -> str:
    (kustomization,) = documents(DEPLOY / "kubernetes/base/kustomization.yaml")
    (image,) = kustomization["images"]
    return f"{image['newName']}:{image['newTag']}"


@pytest.mark.parametrize("name", ["base", "keda"])
def test_kustomize_builds_it(name: str) -> None:
    folder = DEPLOY / "kubernetes" / name
    (kustomization,) = documents(folder / "kustomization.yaml")
    assert [one for one in kustomization["resources"] if not (folder / one).exists()] == []
    if shutil.which("kubectl") is None:
        pytest.skip("There is no kubectl here to build it with.")
    done = subprocess.run(["kubectl", "kustomize", folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert re.findall(r"^  replicas: (\d+)$", done.stdout, re.MULTILINE) == (["2"] if name == "base" else [])
    assert set(re.findall(r"^        image: (.*)$", done.stdout, re.MULTILINE)) == {_released()}


@pytest.mark.parametrize("process", ["webhook", "worker"])
def test_systemd_finds_nothing_wrong_with_a_unit(process: str, tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("There is no systemd-analyze here.")
    text = (DEPLOY / f"systemd/wabase-{process}.service").read_text()
    assert f"\nExecStart=/opt/wabase/bin/python -P -m {process}\n" in text
    here = tmp_path / f"wabase-{process}.service"
    # It looks whether the program exists, which it does on a machine where Wabase is installed.
    here.write_text(text.replace("/opt/wabase/bin/python", "/bin/true"))
    done = subprocess.run(["systemd-analyze", "verify", here], capture_output=True, text=True, check=False)
    # Of other units of this machine it may say what it likes.
    assert [line for line in done.stderr.splitlines() if "wabase-" in line] == []
    judged = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=25", here],
        capture_output=True,
        text=True,
        check=False,
    )
    assert judged.returncode == 0, judged.stdout[-300:]


def test_two_units_of_one_machine_listen_at_two_ports_of_their_own() -> None:
    words = {
        name: dict(pair.split("=") for key, v in unit(name) if key == "Environment" for pair in v.split())
        for name in ("webhook", "worker")
    }
    assert words["webhook"]["WEBHOOK_HOST"] == words["worker"]["WORKER_STATUS_HOST"] == "127.0.0.1"
    assert words["webhook"]["WEBHOOK_PORT"] != words["worker"]["WORKER_STATUS_PORT"]
