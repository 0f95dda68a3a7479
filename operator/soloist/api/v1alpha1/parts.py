"""Parts that several kinds share: where code comes from, where data lives, what a pod's environment holds."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from soloist.api.conditions import Condition
from soloist.api.fields import EnvName, Image, Label, Model, ObjectName, Size
from soloist.api.forms import Form, Rule

# A password in an address would show in every status, log and process list.
GitUrl = Annotated[
    str,
    Field(max_length=2048),
    Form(
        "the address of a Git repository: write https://, http:// or git:// before host and path, and put a password"
        " into the Secret that secretName names",
        (r"^(https?|git)://([^\s/@:]+@)?[^\s/@]+(/\S*)?$",),
    ),
]
GitRef = Annotated[
    str,
    Field(max_length=255),
    Form(
        "a Git reference: write a branch, a tag or a commit, such as main or v1.2",
        (r"^[A-Za-z0-9_.@][^\s~^:?*\[\\]*$",),
    ),
]
_FOLDER = r"([^./][^/]*|\.[^./][^/]*|\.\.[^/]+|\.)"
GitPath = Annotated[
    str,
    Field(max_length=1024),
    Form(
        "a folder inside the repository: write its path from the top of the repository, without '/' before it"
        " and without '..'",
        (rf"^({_FOLDER}(/{_FOLDER})*/?)?$",),
    ),
]
S3Uri = Annotated[
    str,
    Field(max_length=1024),
    Form(
        "the address of a bucket: write s3://, the bucket's name and a folder, such as s3://my-bucket/flights",
        (r"^s3://[^/\s]+(/\S*)?$",),
    ),
]


class GitSource(Model):
    """Code from a Git repository. A Run pins the commit that the reference pointed to when it started."""

    url: GitUrl
    """Address of the repository, for example `https://git.example.com/team/flights.git`."""
    ref: GitRef = "HEAD"
    """Branch, tag or commit to follow. `HEAD` is the repository's default branch."""
    path: GitPath = ""
    """Folder inside the repository in which the commands run. Empty means the top."""
    secret_name: ObjectName | None = None
    """Secret with the keys `username` and `password` (or a token) for a private repository."""


class Source(Model):
    """Where the code comes from: exactly one of `configMap`, `git` or `image`."""

    rules: ClassVar = (
        Rule(
            "[has(self.configMap), has(self.git), has(self.image)].exists_one(x, x)",
            "source needs exactly one of configMap, git or image: keep one and remove the others",
        ),
    )

    config_map: ObjectName | None = None
    """ConfigMap whose keys are the code's files. kustomize's `configMapGenerator` makes one from a folder and puts a hash in
    its name, so that an edited file becomes a new Run at the next `kubectl apply -k`."""
    git: GitSource | None = None
    """Git repository that holds the code."""
    image: Image | None = None
    """Container image that holds the code in its working directory. Build it from the platform's runtime image."""


class S3Storage(Model):
    """A bucket for the data that steps hand on."""

    uri: S3Uri
    """Where to keep it, for example `s3://my-bucket/flights`."""
    secret_name: ObjectName
    """Secret whose keys become environment variables: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, and where needed
    `AWS_ENDPOINT_URL` and `AWS_REGION`."""


class Storage(Model):
    """Where steps keep data for one another: a volume of its own (the default), an existing claim, or a bucket."""

    rules: ClassVar = (
        Rule(
            "[has(self.claim), has(self.s3), has(self.size)].filter(x, x).size() <= 1",
            "storage takes one of size, claim or s3: keep one and remove the others",
        ),
    )

    size: Size | None = None
    """Size of the volume that is made for you. Without any of the three fields it is the platform's default size."""
    claim: ObjectName | None = None
    """Name of an existing PersistentVolumeClaim to use instead. It is never deleted."""
    s3: S3Storage | None = None
    """Bucket to use instead of a volume."""

    @property
    def is_own_volume(self) -> bool:
        """Whether the data lives on a volume that is made for it."""
        return self.claim is None and self.s3 is None


SecretKeyName = Annotated[
    str,
    Field(max_length=253),
    Form("a key of a Secret: use letters, digits, '-', '_' and '.'", (r"^[-._a-zA-Z0-9]+$",)),
]


class SecretKey(Model):
    """One key of a Secret in the same namespace."""

    name: ObjectName
    """Name of the Secret."""
    key: SecretKeyName
    """Key inside it."""


# A user's value would be overwritten, or the step would write into another run than its own.
_IS_TAKEN = (
    "name.startsWith('SOLOIST_')"
    " || name in ['MLFLOW_TRACKING_URI', 'MLFLOW_RUN_ID', 'MLFLOW_EXPERIMENT_ID']"
)
_TAKEN = (
    "this name is taken: the operator sets MLFLOW_TRACKING_URI, MLFLOW_RUN_ID, MLFLOW_EXPERIMENT_ID and all that"
    " begins with SOLOIST_; choose another name"
)
FREE_NAMES = Rule(f"!self.exists(name, {_IS_TAKEN})", _TAKEN)


class EnvVar(Model):
    """One environment variable: its value written here, or taken from a Secret."""

    rules: ClassVar = (
        Rule(
            "has(self.value) != has(self.secret)",
            "an environment variable needs exactly one of value or secret: keep one and remove the other",
        ),
        Rule(f"!([self.name].exists(name, {_IS_TAKEN}))", _TAKEN, field=".name"),
    )

    name: EnvName
    """Name of the variable."""
    value: str | None = Field(default=None, max_length=32768)
    """Its value."""
    secret: SecretKey | None = None
    """The Secret's key that holds its value. Use this for passwords and tokens: the value appears in no object."""


class ModelVersion(Model):
    """A version in MLflow's model registry."""

    name: str = Field(max_length=512)
    """Name of the registered model in MLflow."""
    version: str = Field(max_length=32)
    """Version number."""


class CommonStatus(Model):
    """What the status of every kind says."""

    observed_generation: int = 0
    """The `metadata.generation` that this status was computed from."""
    summary: str = Field(default="", max_length=4096)
    """What is going on, in plain words: state, cause and the next action."""
    conditions: list[Condition] = Field(
        default_factory=list,
        max_length=8,
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
    )
    """Ready, Progressing and Stalled, each with reason and message."""


Runtime = Label
