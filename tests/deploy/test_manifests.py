"""The files of deploy/ that only a cluster or a container engine can follow: held against the schemas of those who read them, and against the project."""

from __future__ import annotations

import functools
import json
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Iterator

import jsonschema
import pytest
import yaml

from sijbot import settings
from sijbot.adapters.server import ROUTES
from sijbot.settings import ROOT

DEPLOY, KUBERNETES = ROOT / "deploy", ROOT / "deploy" / "kubernetes"
COMPOSE_SCHEMA = ROOT / "tests" / "vendor" / "compose-spec" / "compose_spec.json"  # of 2021, the newest that a package holds
NEWER = ("name",)  # than that schema
INSIDE = ("/ready", "/live", "/metrics")


def documents(path: Path) -> list[dict]:
    return [document for document in yaml.safe_load_all(path.read_text(encoding="utf-8")) if document]


OBJECTS = [(path.name, document) for path in sorted(KUBERNETES.glob("*.yml")) if path.name != "kustomization.yml" for document in documents(path)]
EACH = pytest.mark.parametrize("manifest", [pytest.param(document, id=f"{name}-{document['kind']}") for name, document in OBJECTS])


def of_kind(kind: str, name: str = "sijbot") -> dict:
    return next(document for _, document in OBJECTS if document["kind"] == kind and document["metadata"]["name"] == name)


@functools.cache
def schema(name: str) -> dict:
    """Return a file of the newest schemas in kubernetes-validate. These alone are used: its code needs a newer jsonschema than Rasa lets in."""
    folder = Path(find_spec("kubernetes_validate").submodule_search_locations[0], "kubernetes-json-schema")
    newest = max(folder.glob("v*-local-strict"), key=lambda path: tuple(map(int, re.findall(r"\d+", path.name))))
    return json.loads((newest / f"{name}.json").read_text(encoding="utf-8"))


def faults(manifest: dict) -> list[str]:
    definitions, version = schema("_definitions"), re.sub(r"^([^./]*)(?:\.[^/]*)?/", r"\1-", manifest["apiVersion"])
    asked = schema(f"{manifest['kind'].lower()}-{version}")
    resolver = jsonschema.RefResolver.from_schema(asked, store={definitions["$id"]: definitions})
    return [f"{'.'.join(map(str, error.absolute_path))}: {error.message[:200]}" for error in jsonschema.Draft202012Validator(asked, resolver=resolver).iter_errors(manifest)]


@EACH
def test_a_manifest_is_one_that_kubernetes_takes(manifest):
    assert faults(manifest) == []


@pytest.mark.parametrize(
    "change",
    [lambda spec: spec.update(replcias=2), lambda spec: spec.update(replicas="two"), lambda spec: spec["template"]["spec"]["containers"][0].update(probe={}), lambda spec: spec.pop("selector")],
)  # fmt: skip
def test_a_manifest_with_a_fault_would_be_seen(change):
    manifest = json.loads(json.dumps(of_kind("Deployment")))
    change(manifest["spec"])

    assert faults(manifest)


def test_everything_but_the_example_is_applied():
    listed = documents(KUBERNETES / "kustomization.yml")[0]["resources"]

    assert sorted([*listed, "kustomization.yml", "secret.example.yml"]) == sorted(path.name for path in KUBERNETES.iterdir())


def pods() -> Iterator[tuple[str, dict]]:
    """Yield (name, specification) of every kind of pod."""
    for _, document in OBJECTS:
        spec = document.get("spec", {})
        template = spec.get("jobTemplate", {}).get("spec", spec).get("template")
        if template:
            yield document["metadata"]["name"], template["spec"]


@pytest.mark.parametrize("pod", [pytest.param(spec, id=name) for name, spec in pods()])
def test_a_pod_can_do_no_more_than_it_must(pod):
    (container,) = pod["containers"]

    assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["seccompProfile"]["type"] == "RuntimeDefault" and pod["automountServiceAccountToken"] is False
    assert container["securityContext"] == {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
    assert container["resources"]["limits"]["memory"] and container["resources"]["requests"]["cpu"]
    assert container["image"] == "sijbot" and [mount["mountPath"] for mount in container["volumeMounts"]] == ["/tmp"]


def test_a_replica_that_goes_has_time_to_finish():
    spec = of_kind("Deployment")["spec"]
    pod = spec["template"]["spec"]
    (container,) = pod["containers"]
    pause_s = int(container["lifecycle"]["preStop"]["exec"]["command"][1])

    assert pod["terminationGracePeriodSeconds"] >= pause_s + 10 + 5  # it drains within 10 s
    assert spec["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    assert of_kind("PodDisruptionBudget")["spec"]["minAvailable"] < spec["replicas"] == of_kind("HorizontalPodAutoscaler")["spec"]["minReplicas"]


def test_the_database_being_away_restarts_nothing():
    (container,) = of_kind("Deployment")["spec"]["template"]["spec"]["containers"]

    assert {probe: container[probe]["httpGet"]["path"] for probe in ("startupProbe", "readinessProbe", "livenessProbe")} == {
        "startupProbe": "/live", "readinessProbe": "/ready", "livenessProbe": "/live",
    }  # fmt: skip


def test_selectors_find_what_they_mean():
    labels = of_kind("Deployment")["spec"]["template"]["metadata"]["labels"]

    for selector in (of_kind("Service")["spec"]["selector"], of_kind("PodDisruptionBudget")["spec"]["selector"]["matchLabels"], of_kind("Deployment")["spec"]["selector"]["matchLabels"]):
        assert selector.items() <= labels.items()
    for name, component in (("sijbot-relay", "relay"),):
        assert of_kind("Deployment", name)["spec"]["selector"]["matchLabels"]["app.kubernetes.io/component"] == component
    assert not of_kind("Service")["spec"]["selector"].items() <= of_kind("Deployment", "sijbot-relay")["spec"]["template"]["metadata"]["labels"].items()


def test_people_reach_the_page_and_the_channel_and_nothing_of_those_who_run_it():
    paths = of_kind("Ingress")["spec"]["rules"][0]["http"]["paths"]
    exact, prefixes = ({path["path"] for path in paths if path["pathType"] == kind} for kind in ("Exact", "Prefix"))
    served = {ROUTES.get(path.name, f"/{path.name}") for folder in ("page", "widget") for path in (ROOT / folder).iterdir()}

    assert exact == served and prefixes == {"/pictures", "/webhooks/web"}
    assert not [inside for inside in INSIDE if inside in exact or any(inside.startswith(prefix) for prefix in prefixes)]


def test_the_figures_of_the_ingress_are_those_of_the_proxy():
    annotations, proxy = of_kind("Ingress")["metadata"]["annotations"], (DEPLOY / "nginx.conf").read_text(encoding="utf-8")

    for name in ("proxy-connect-timeout", "proxy-read-timeout", "proxy-send-timeout", "client-max-body-size"):
        assert f"{name.replace('-', '_')} {annotations[f'nginx.org/{name}']};" in proxy
    for line in annotations["nginx.org/location-snippets"].splitlines():
        assert line in proxy


def compose(name: str) -> dict:
    (document,) = documents(DEPLOY / name)
    return document


def services() -> dict[str, dict]:
    """Return each service as it is with what it extends."""
    base = compose("base.yml")["services"]["sijbot"]
    return {name: {**(base if "extends" in service else {}), **service} for name, service in compose("compose.yml")["services"].items()}


@pytest.mark.parametrize("name", ["compose.yml", "base.yml"])
def test_a_compose_file_is_one_that_compose_takes(name):
    written = {key: value for key, value in compose(name).items() if key not in NEWER}
    schema = json.loads(COMPOSE_SCHEMA.read_text(encoding="utf-8"))

    assert [error.message[:200] for error in jsonschema.Draft7Validator(schema).iter_errors(written)] == []


def test_a_compose_file_with_a_fault_would_be_seen():
    written = compose("base.yml")
    written["services"]["sijbot"]["read_olny"] = True

    assert list(jsonschema.Draft7Validator(json.loads(COMPOSE_SCHEMA.read_text(encoding="utf-8"))).iter_errors(written))


def test_what_a_service_names_is_there():
    written = compose("compose.yml")

    for name, service in written["services"].items():
        assert set(service.get("depends_on", {})) <= set(written["services"]), name
        assert set(service["networks"]) <= set(written["networks"]), name
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            assert source in written["volumes"] or source == "./tls" or (DEPLOY / source).exists(), volume


def test_the_proxy_asks_the_replicas_where_they_are():
    written = compose("compose.yml")
    addresses = {service["networks"]["inside"]["ipv4_address"] for name, service in written["services"].items() if name.startswith("bot_")}

    assert {f"server {address}:5005 max_fails=0;" for address in addresses} == {f"{server.strip()};" for server in written["services"]["proxy"]["environment"]["REPLICAS"].split(";") if server.strip()}
    assert len(addresses) == 2


def test_the_proxy_alone_is_reached_from_outside():
    published = {name: service["ports"] for name, service in services().items() if "ports" in service}

    assert set(published) == {"proxy", "prometheus"} and all(port.startswith("127.0.0.1:") for port in published["prometheus"])
    assert {name for name, service in services().items() if "outside" in service["networks"]} == {"proxy", "relay", "prometheus"}
    assert compose("compose.yml")["networks"]["inside"]["internal"] is True


@pytest.mark.parametrize("name", [name for name, service in services().items() if name != "database"])
def test_a_container_can_do_no_more_than_it_must(name):
    service = services()[name]

    assert service["read_only"] is True and service["cap_drop"] == ["ALL"] and service["security_opt"] == ["no-new-privileges:true"]


def test_every_value_of_the_proxy_template_is_given():
    given = set(compose("compose.yml")["services"]["proxy"]["environment"])
    asked = {name for line in (DEPLOY / "nginx.conf").read_text(encoding="utf-8").splitlines() if not line.lstrip().startswith("#") for name in re.findall(r"\$\{(\w+)\}", line)}

    assert asked == given - {"NGINX_ENVSUBST_OUTPUT_DIR"}


def test_the_example_names_every_value_that_compose_asks_for():
    asked = {name for file in ("compose.yml", "base.yml") for name in re.findall(r"\$\{(\w+)", (DEPLOY / file).read_text(encoding="utf-8"))}
    named = set(re.findall(r"^(\w+)=", (DEPLOY / "env.example").read_text(encoding="utf-8"), re.MULTILINE))

    assert asked == named


def test_no_example_holds_a_secret():
    example = (DEPLOY / "env.example").read_text(encoding="utf-8")
    secret = next(document for name, document in OBJECTS if name == "secret.example.yml")

    assert all(f"\n{name}=\n" in example for name in ("SIJBOT_SECRET", "POSTGRES_PASSWORD", "SIJBOT_HAND_OFF_SECRET", "SIJBOT_SMTP_URL"))
    assert {name for name, value in secret["stringData"].items() if value} == {"SIJBOT_DATABASE_URL"}


def environment() -> Iterator[tuple[str, Any]]:
    yield from compose("base.yml")["services"]["sijbot"]["environment"].items()
    yield from of_kind("ConfigMap")["data"].items()
    yield from of_kind("Secret")["stringData"].items()
    yield from ((name, None) for name in re.findall(r"(SIJBOT_\w+)=", (DEPLOY / "Containerfile").read_text(encoding="utf-8")))


def test_every_setting_that_is_given_is_one_that_is_read():
    read = Path(settings.__file__).read_text(encoding="utf-8")

    assert sorted({name for name, _ in environment() if f'"{name}"' not in read and f'"{name.removeprefix("SIJBOT_")}"' not in read}) == []


@EACH
def test_values_of_the_environment_are_texts(manifest):
    """As Kubernetes demands of them, and YAML does not see to: off and 1 are none."""
    assert [value for value in {**manifest.get("data", {}), **manifest.get("stringData", {})}.values() if not isinstance(value, str)] == []
