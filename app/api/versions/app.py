"""KeptnApp, KeptnAppContext and KeptnAppCreationRequest: what to check of an app was once said in the KeptnApp."""

from typing import Final

from app.api.app import AppContextSpec, AppContextStatus, AppCreationRequestSpec, AppSpec, AppStatus
from app.api.fields import PostEvaluations, PostTasks, PreEvaluations, PreTasks
from app.api.versions.kind import Kind, Version


class AlphaAppSpec(AppSpec):
    """v1alpha1 to v1alpha3: with the lists that are a KeptnAppContext's since."""

    pre_deployment_tasks: PreTasks = ()
    post_deployment_tasks: PostTasks = ()
    pre_deployment_evaluations: PreEvaluations = ()
    post_deployment_evaluations: PostEvaluations = ()


APP: Final = Kind(
    name="KeptnApp",
    plural="keptnapps",
    description="Workloads that are deployed together, each in one version.",
    converted=True,
    versions=(
        Version("v1", AppSpec, AppStatus),
        Version("v1beta1", AppSpec, AppStatus),
        Version("v1alpha3", AlphaAppSpec, AppStatus),
        Version("v1alpha2", AlphaAppSpec, AppStatus),
        Version("v1alpha1", AlphaAppSpec, AppStatus, frozenset({"spec.revision"})),
    ),
)

APP_CONTEXT: Final = Kind(
    name="KeptnAppContext",
    plural="keptnappcontexts",
    description="What is checked of the app of the same name, and what is said of it to its checks.",
    versions=(
        Version("v1", AppContextSpec, AppContextStatus),
        Version("v1beta1", AppContextSpec, AppContextStatus),
    ),
)

APP_CREATION_REQUEST: Final = Kind(
    name="KeptnAppCreationRequest",
    plural="keptnappcreationrequests",
    description="Asks for a KeptnApp to be made for workloads that name an app which nobody has written.",
    versions=(
        Version("v1", AppCreationRequestSpec, str),
        Version("v1beta1", AppCreationRequestSpec, str),
        Version("v1alpha3", AppCreationRequestSpec, str),
    ),
)
