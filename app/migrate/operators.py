"""Findings about Keptn's own parts: its operators, its webhook, its CRDs."""

from collections.abc import Iterator
from typing import Final

from app.api.versions import KINDS
from app.api.wellknown import NAMESPACE_OPT_IN, NAMESPACE_OPT_IN_VALUE
from app.cluster.api import Json
from app.migrate.cluster import Cluster, name_of
from app.migrate.finding import Finding, action, note
from app.migrate.read import METRICS_CRD

_ADVICE = {
    "lifecycle-operator": "delete it before Holdfast is installed (docs/migrate.md, step 3); both would write the same "
    "objects",
    "certificate-operator": "delete it unless Keptn's metrics operator stays; if that stays, keep both and install "
    "Holdfast with certificates.source=external (docs/migrate.md)",
}
_OURS: Final = {f"{kind.plural}.{kind.group}": kind for kind in KINDS}
_NEVER: Final = frozenset({"kube-system", "kube-public", "kube-node-lease"})
_DENIED: Final = frozenset({"cert-manager", "observability", "monitoring"})  # by the chart, unless told otherwise


def findings(cluster: Cluster) -> Iterator[Finding]:
    yield from _operators(cluster)
    yield from _services(cluster)
    yield from _webhook(cluster)
    yield from _crds(cluster)
    yield from _namespaces(cluster)


def _operators(cluster: Cluster) -> Iterator[Finding]:
    for deployment in cluster.operators:
        part = deployment["metadata"]["labels"].get("control-plane", "")
        images = [c.get("image", "") for c in deployment["spec"]["template"]["spec"].get("containers") or ()]
        image = next((image for image in images if f"keptn/{part}" in image), "")
        if not image:
            continue
        about, runs = f"Deployment {name_of(deployment)}", f"Keptn's {part.replace('-', ' ')} is there ({image})"
        if part in _ADVICE:
            yield action(about, runs, _ADVICE[part])
        else:
            yield note(about, f"{runs}. Holdfast reads its KeptnMetrics, and leaves it as it is")


def _services(cluster: Cluster) -> Iterator[Finding]:
    for service in cluster.services:
        if "control-plane" in (service["spec"].get("selector") or {}):
            yield action(
                f"Service {name_of(service)}",
                "is Keptn's. Helm would merge its selector with Holdfast's, and it would lead nowhere",
                "delete it just before Holdfast is installed (docs/migrate.md, step 3)",
            )


def _webhook(cluster: Cluster) -> Iterator[Finding]:
    for configuration in cluster.webhooks:
        hooks = {hook["name"]: hook for hook in configuration.get("webhooks") or ()}
        if "mpod.keptn.sh" not in hooks or "mnamespace.keptn.sh" in hooks:
            continue
        hook = hooks["mpod.keptn.sh"]
        service = hook["clientConfig"].get("service") or {}
        where = f"{service.get('namespace')}/{service.get('name')}"
        about = f"MutatingWebhookConfiguration {name_of(configuration)}"
        fails = hook.get("failurePolicy", "Fail") == "Fail"
        gone = "; once Keptn is gone, no pod can be made wherever it applies" if fails else ""
        yield action(
            about,
            f"Keptn's webhook sends pods to Service {where}{gone}",
            "leave it, and install Holdfast right after Keptn's operator is gone: the chart's has the same name, and "
            "replaces it (docs/migrate.md, step 4)",
        )
        yield from _selected(about, hook)


def _selected(about: str, hook: Json) -> Iterator[Finding]:
    """Which namespaces Keptn was told to look at, where that is not the default."""
    for expression in (hook.get("namespaceSelector") or {}).get("matchExpressions") or ():
        if expression["key"] != "kubernetes.io/metadata.name":
            continue
        listed = ", ".join(sorted(expression.get("values") or ()))
        if expression["operator"] == "In":
            yield action(
                about, f"Keptn looks at these namespaces only: {listed}", "give the chart the same allowedNamespaces"
            )
        elif further := set(expression.get("values") or ()) - _NEVER - _DENIED - {"keptn-system"}:
            yield note(
                about, f"Keptn leaves these namespaces alone: {', '.join(sorted(further))}. See deniedNamespaces"
            )


def _crds(cluster: Cluster) -> Iterator[Finding]:
    if not any(name in _OURS for name in cluster.crds):
        if not any(unread.what.startswith("CustomResourceDefinition") for unread in cluster.unread):
            yield note("the cluster", "Keptn was never here: none of its kinds are. There is nothing to take over")
        return
    owners: dict[str, list[str]] = {}
    for name, crd in cluster.crds.items():
        if name == METRICS_CRD:
            continue
        if name not in _OURS:
            yield note(
                f"CustomResourceDefinition {name}",
                "is a kind of an older Keptn that Holdfast does not use. It stays as it is, and can be deleted",
            )
            continue
        ours = {version.name for version in _OURS[name].versions}
        stored = set((crd.get("status") or {}).get("storedVersions") or ())
        if stored - ours:
            listed = ", ".join(sorted(stored - ours))
            yield action(
                f"CustomResourceDefinition {name}",
                f"has objects stored in {listed}, which Holdfast does not serve",
                "write each object once as it is (kubectl get ... -o yaml | kubectl replace -f -), then take the "
                "version out of status.storedVersions",
            )
        annotations = crd["metadata"].get("annotations") or {}
        release = annotations.get("meta.helm.sh/release-name")
        if release and annotations.get("helm.sh/resource-policy") != "keep":
            where = annotations.get("meta.helm.sh/release-namespace", "")
            owners.setdefault(f"{where}/{release}" if where else release, []).append(name)
    for release, names in sorted(owners.items()):
        yield action(
            f"Helm release {release}",
            f"has {len(names)} of the CRDs in it: helm uninstall would delete them, and with them every definition, "
            "task and version",
            "do not uninstall it; let Helm forget it instead (docs/migrate.md, step 3)",
        )


def _namespaces(cluster: Cluster) -> Iterator[Finding]:
    opted_in = []
    for namespace in cluster.namespaces:
        meta = namespace["metadata"]
        value = (meta.get("annotations") or {}).get(NAMESPACE_OPT_IN)
        if value != NAMESPACE_OPT_IN_VALUE:
            continue
        name = meta["name"]
        if name in _NEVER or name == cluster.installation:
            yield note(f"Namespace {name}", "is opted in, and its pods are never held, as with Keptn")
        elif name in _DENIED:
            yield note(
                f"Namespace {name}",
                "is opted in, and its pods are not held: the chart's deniedNamespaces names it, as Keptn's did",
            )
        else:
            opted_in.append(name)
    if opted_in:
        yield note(
            "Namespaces",
            f"{len(opted_in)} opted in: {', '.join(sorted(opted_in))}. Each gets the label keptn.sh/holdfast: enabled",
        )
