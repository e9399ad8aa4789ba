"""Write: rows into date=/outlet= Parquet, all of a run or nothing, and the state after them."""

from transforms.write.dataset import (
    Dataset,
    dataset_at,
    explained,
    find,
    is_taken_over,
    lock,
    prepare,
    require_room,
    scratch,
)
from transforms.write.manifest import (
    Manifest,
    Recovery,
    is_decided,
    live_files,
    load_manifests,
    manifest_path,
    read_manifest,
    recover,
)
from transforms.write.transform import Harvest, Write

__all__ = [
    "Dataset",
    "Harvest",
    "Manifest",
    "Recovery",
    "Write",
    "dataset_at",
    "explained",
    "find",
    "is_decided",
    "is_taken_over",
    "live_files",
    "load_manifests",
    "lock",
    "manifest_path",
    "prepare",
    "read_manifest",
    "recover",
    "require_room",
    "scratch",
]
