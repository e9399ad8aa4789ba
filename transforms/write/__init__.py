"""Write: rows into date=/outlet= Parquet, all of a run or nothing, and the state after them."""

from transforms.write.dataset import Dataset, explained, lock, prepare, require_room
from transforms.write.manifest import Manifest, Recovery, manifest_path, read_manifest, recover
from transforms.write.transform import Harvest, Write

__all__ = [
    "Dataset",
    "Harvest",
    "Manifest",
    "Recovery",
    "Write",
    "explained",
    "lock",
    "manifest_path",
    "prepare",
    "read_manifest",
    "recover",
    "require_room",
]
