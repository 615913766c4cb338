"""What a page of the documentation shows, done in a namespace of its own."""

import os
import re
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from docsite.blocks import Block
from helm import render
from tests.e2e import manifests
from tests.e2e.kube.client import SECONDS, Kube
from tests.e2e.kube.kubectl import Kubectl
from tests.e2e.kube.resources import KINDS, Json, path
from tests.e2e.looks import Eyes, status
from tests.e2e.prometheus import Prometheus
from tests.e2e.receiver import Receiver

APPLY = "application/apply-patch+yaml"
PROMETHEUS = "prometheus.monitoring.svc"
WEBHOOK = re.compile(r"https://hooks\.slack\.com/\S+")
PATIENCE = 2 * SECONDS  # many pages at once


class Page:
    """Does one block after the other. `python_image` is one with Python in it."""

    def __init__(self, kube: Kube, kubectl: Kubectl, namespace: str, python_image: str, blocks: list[Block]) -> None:
        self._kube = kube
        self._kubectl = kubectl
        self._eyes = Eyes(kube, namespace)
        self._namespace = namespace
        self._blocks = blocks
        self._receiver = Receiver(kube, namespace, python_image)
        self._made: list[tuple[str, str]] = []  # what no namespace takes with it

    def walk(self) -> None:
        """Raises an AssertionError that names the line of the block that does not do what the page says."""
        try:
            if any(block.said("receives") for block in self._blocks):
                self._receiver.announce()
                self._receiver.start()
            for block in self._blocks:
                try:
                    self._do(block)
                except Exception as error:
                    error.add_note(f"in the block at line {block.line}")
                    raise
        finally:
            for kind, name in self._made:
                self._kube.delete(kind, "", name)

    def _do(self, block: Block) -> None:
        text = self._here(block)
        if block.is_yaml and block.said("values") is not None:
            with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
                file.write(text)
                file.flush()
                render.template("--values", file.name)
        elif block.is_yaml:
            for body in yaml.safe_load_all(text):
                self._apply(self._whole(block, body), dry_run=block.said("shape") is not None)
        elif block.said("run") is not None:
            self._run(text)
        for word, follow in self._outcomes().items():
            for said in (test for test in block.tests if test.split()[0] == word):
                follow(said.removeprefix(word).strip())

    def _here(self, block: Block) -> str:
        """The block's text with what is elsewhere in it put into this namespace."""
        text = WEBHOOK.sub(self._receiver.url, block.text)
        if block.said("with") == "prometheus":
            Prometheus(self._kube, self._namespace, "prometheus").start()
            text = text.replace(PROMETHEUS, f"prometheus.{self._namespace}.svc")
        if block.is_yaml:
            for body in yaml.safe_load_all(text):
                kind = body.get("kind", "")
                if kind in KINDS and not KINDS[kind].namespaced:
                    name = body["metadata"]["name"]
                    other = self._namespace if block.said("namespace") is not None else f"{self._namespace}-{name}"
                    text = re.sub(rf"(?<=[nN]ame: ){re.escape(name)}$", other, text, flags=re.MULTILINE)
        return text

    def _whole(self, block: Block, body: Json) -> Json:
        part = block.said("part")
        if part is None:
            missing = [key for key in ("apiVersion", "kind", "metadata") if key not in body]
            assert not missing, f"no object, for it has no {missing}: say <!-- test: part of KIND --> before the block"
            return body
        kind, _, where = part.removeprefix("of ").partition(" ")
        for key in reversed([key for key in where.split(".") if key]):
            body = {key: body}
        if kind == "Deployment":
            meta = body["spec"]["template"]["metadata"]
            name = meta["annotations"].get("keptn.sh/workload") or meta["labels"]["app.kubernetes.io/name"]
            return _merged(manifests.workload(kind, name, {}), body)
        assert kind == "KeptnTaskDefinition", f"there is no {kind} to make this a part of"
        name = f"part-{block.line}"
        if not {"deno", "python", "container"} & set(body["spec"]):
            body = _merged(manifests.python(name, "print('hello')"), body)
        return _merged({"apiVersion": "lifecycle.keptn.sh/v1", "kind": kind, "metadata": {"name": name}}, body)

    def _apply(self, body: Json, *, dry_run: bool) -> None:
        kind, meta = body["kind"], body["metadata"]
        assert kind in KINDS, f"tests/e2e/kube/resources.py has no {kind}"
        if KINDS[kind].namespaced:
            meta["namespace"] = self._namespace
        elif meta["name"] != self._namespace:
            self._made.append((kind, meta["name"]))
        where = path(kind, meta.get("namespace", ""), meta["name"], version=body["apiVersion"])
        query = {"fieldManager": "kubectl", "force": "true", "fieldValidation": "Strict"} | (
            {"dryRun": "All"} if dry_run else {}
        )
        self._kube.send("PATCH", where, body, content=APPLY, **query)

    def _run(self, text: str) -> None:
        file = self._kube.config.file
        with tempfile.TemporaryDirectory() as folder:
            ours = Path(folder) / "kubeconfig"
            config: Any = yaml.safe_load(file.read_text())
            for context in config["contexts"]:
                context["context"]["namespace"] = self._namespace
            ours.touch(mode=0o600)
            ours.write_text(yaml.safe_dump(config))
            search = f"{file.parent / 'bin'}{os.pathsep}{os.environ['PATH']}"
            environment = os.environ | {"KUBECONFIG": str(ours), "PATH": search}
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", text], env=environment, capture_output=True, text=True, timeout=240
            )
        assert done.returncode == 0, done.stderr or done.stdout

    def _outcomes(self) -> dict[str, Callable[[str], None]]:
        return {
            "completes": self._completes,
            "fails": self._fails,
            "until": self._until,
            "receives": self._receives,
        }

    def _completes(self, said: str) -> None:
        _, _, name = said.partition("/")

        def look(versions: list[Json]) -> bool:
            ended = [each for each in versions if each["spec"]["workloadName"].endswith(f"-{name}")]
            return any(status(each) == "Succeeded" and each["status"]["currentPhase"] == "Completed" for each in ended)

        what = f"a KeptnWorkloadVersion of {name} that has passed"
        self._kube.until("KeptnWorkloadVersion", self._namespace, look, what, seconds=PATIENCE)

    def _fails(self, said: str) -> None:
        kind, _, name = said.partition("/")
        assert kind == "Deployment", "only Deployments say that their rollout has failed"
        self._eyes.rollout_failed(name, seconds=PATIENCE)

    def _until(self, said: str) -> None:
        thing, _, wanted = said.partition(" ")
        kind, _, name = thing.partition("/")
        keys, _, value = wanted.partition("=")

        def done(body: Json) -> bool:
            found: Any = body
            for key in keys.split("."):
                found = (found or {}).get(key)
            return str(found) == value

        self._kube.until_one(kind, self._namespace, name, done, wanted, seconds=PATIENCE)

    def _receives(self, text: str) -> None:
        bodies = [request.body for request in self._receiver.requests()]
        assert any(text in body for body in bodies), f"nobody sent {text!r}, only {bodies}"


def _merged(base: Json, over: Json) -> Json:
    both = dict(base)
    for key, value in over.items():
        both[key] = _merged(both[key], value) if isinstance(value, dict) and isinstance(both.get(key), dict) else value
    return both
