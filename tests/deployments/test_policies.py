"""What each role may do on S3, tried on an endpoint that asks for permission."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
import s3fs
from botocore.exceptions import ClientError

from artgan.catalog.schema import SCANS
from artgan.catalog.table import open_catalog
from artgan.storage import check_conditional_put, open_store
from tests.conftest import _MOTO, _wait_for
from tests.deployments.running import free_address

POLICIES = Path(__file__).parents[2] / "deployments" / "policies"
ROLES = ("reader", "worker", "operator")
# An endpoint that asks from here on: buckets, an object each, and three calls for each role.
_CALLS_BEFORE = 2 + 4 + 3 * len(ROLES)
KEYS = ("root/published/a", "root/confidential/a", "other/a")

Keys = dict[str, dict[str, str]]


def policy(role: str) -> str:
    text = (POLICIES / f"{role}.json").read_text()
    return text.replace("ARCHIVE", "archive").replace("ROOT", "root").replace("INBOX", "inbox")


def client(service: str, endpoint: str, keys: dict[str, str]):
    return boto3.client(service, endpoint_url=endpoint, region_name="us-east-1", **keys)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    address = free_address().removesuffix("/api")
    environment = os.environ | {"INITIAL_NO_AUTH_ACTION_COUNT": str(_CALLS_BEFORE)}
    command = [sys.executable, "-c", _MOTO, address.rsplit(":", 1)[1]]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    server = subprocess.Popen(command, env=environment, **quiet)
    try:
        _wait_for(f"{address}/moto-api/")
        yield address
    finally:
        server.terminate()
        server.wait(10)


@pytest.fixture(scope="module")
def roles(endpoint: str) -> Keys:
    """Access keys by role, each with its policy and nothing else."""
    anybody = {"aws_access_key_id": "a", "aws_secret_access_key": "a"}
    s3, iam = client("s3", endpoint, anybody), client("iam", endpoint, anybody)
    for bucket in ("archive", "inbox"):
        s3.create_bucket(Bucket=bucket)
    for key in KEYS:
        s3.put_object(Bucket="archive", Key=key, Body=b"x")
    s3.put_object(Bucket="inbox", Key="prints/a.tif", Body=b"x")
    made = {}
    for role in ROLES:
        iam.create_user(UserName=role)
        iam.put_user_policy(UserName=role, PolicyName=role, PolicyDocument=policy(role))
        key = iam.create_access_key(UserName=role)["AccessKey"]
        made[role] = {
            "aws_access_key_id": key["AccessKeyId"],
            "aws_secret_access_key": key["SecretAccessKey"],
        }
    return made


def may(endpoint: str, keys: dict[str, str], act: str, bucket: str, key: str) -> bool:
    s3 = client("s3", endpoint, keys)
    try:
        match act:
            case "read":
                s3.get_object(Bucket=bucket, Key=key)
            case "write":
                s3.put_object(Bucket=bucket, Key=f"{key}-{act}", Body=b"x")
            case "delete":
                s3.delete_object(Bucket=bucket, Key=f"{key}-write")
    except ClientError as error:
        if error.response["Error"]["Code"] == "AccessDenied":
            return False
        raise
    return True


@pytest.mark.parametrize(
    ("role", "act", "where", "allowed"),
    [
        ("reader", "read", "archive/root/published/a", True),
        ("reader", "read", "archive/root/confidential/a", False),
        ("reader", "read", "archive/other/a", False),
        ("reader", "write", "archive/root/published/a", False),
        ("reader", "delete", "archive/root/published/a", False),
        ("reader", "read", "inbox/prints/a.tif", False),
        ("worker", "read", "inbox/prints/a.tif", True),
        ("worker", "write", "inbox/prints/a.tif", False),
        ("worker", "delete", "inbox/prints/a.tif", False),
        ("worker", "read", "archive/root/confidential/a", True),
        ("worker", "write", "archive/root/published/a", True),
        ("worker", "delete", "archive/root/published/a", True),
        ("worker", "write", "archive/other/a", False),
        ("operator", "write", "archive/root/published/a", True),
        ("operator", "write", "inbox/prints/a.tif", False),
        ("operator", "delete", "inbox/prints/a.tif", False),
    ],
)
def test_a_role_may_do_its_work_and_no_more(
    endpoint: str, roles: Keys, role: str, act: str, where: str, allowed: bool
) -> None:
    bucket, key = where.split("/", 1)
    assert may(endpoint, roles[role], act, bucket, key) is allowed


def test_nobody_may_change_who_may_do_what(endpoint: str, roles: Keys) -> None:
    for role in ROLES:
        with pytest.raises(ClientError, match=r"AccessDenied|not authorized"):
            client("s3", endpoint, roles[role]).put_bucket_policy(Bucket="archive", Policy="{}")


def test_the_worker_s_policy_is_enough_for_a_catalog(
    endpoint: str, roles: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in roles["worker"].items():
        monkeypatch.setenv(name.upper(), value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    s3fs.S3FileSystem.clear_instance_cache()
    store = open_store("s3://archive/root")
    check_conditional_put(store)
    catalog = open_catalog("s3://archive/root")
    row = {"scan_id": "a", "content_sha256": "a", "collection": "prints", "source_path": "a"}
    catalog.append(SCANS, [row | {"source_uri": "s3://inbox/a", "source_bytes": 1, "page": 1}])
    assert catalog.read(SCANS, ["scan_id"]).num_rows == 1
    s3fs.S3FileSystem.clear_instance_cache()


def test_the_files_are_policies_with_a_reader_kept_from_trainings() -> None:
    for role in ROLES:
        statements = json.loads((POLICIES / f"{role}.json").read_text())["Statement"]
        assert not any("*" in one["Action"] for one in statements)
        assert all(one["Effect"] == "Deny" or "s3:*" not in one["Action"] for one in statements)
