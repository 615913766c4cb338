"""What containers do when the kubelet starts them: checks as their script says, everything else runs for ever."""

from collections import Counter
from typing import Any

from app.api import wellknown
from app.cluster import resources
from app.cluster.api import Json
from tests.simulation.apiserver.server import Server
from tests.simulation.controllers.kubelet import Run
from tests.simulation.manifests import BROKEN, Script, controller_of


class Behaviour:
    """Scripts are read from where the pod's spec says that they lie, when it starts: its arguments or a ConfigMap."""

    def __init__(self, server: Server) -> None:
        self.attempts: Counter[str] = Counter()  # pods started, by the uid of their task
        self.checks: Counter[str] = Counter()  # by definition
        self._server = server

    def run(self, pod: Json) -> Run:
        if (pod["metadata"].get("labels") or {}).get(wellknown.LABEL) != wellknown.LABEL_TASK:
            broken = BROKEN in pod["spec"]["containers"][0]["image"]
            return Run(seconds=None, waiting="ImagePullBackOff" if broken else "")
        script = Script.parse(self._text(pod))
        if not script.pull:
            return Run(seconds=None, waiting="ImagePullBackOff")
        job = self._server.store.by_uid(controller_of(pod).get("uid", ""))
        task = controller_of(job).get("uid", "") if job else ""
        self.attempts[task] += 1
        attempt = self.attempts[task]
        failed = attempt <= script.fails
        return Run(script.seconds, exit_code=int(failed), said=f"attempt {attempt} {'failed' if failed else 'is fine'}")

    def _text(self, pod: Json) -> str:
        container: dict[str, Any] = pod["spec"]["containers"][0]
        if container.get("args"):
            return str(container["args"][0])
        names = [each["configMap"]["name"] for each in pod["spec"]["volumes"] if "configMap" in each]
        config_map = self._server.get(resources.CONFIGMAPS, names[0], pod["metadata"]["namespace"])
        return str(config_map["data"]["code"])
