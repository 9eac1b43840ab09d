"""Reading samples: bundled, generated and from files; nothing is read before it is asked for."""

from compute.data.dataset import Samples, Scaling, load_samples, probe
from compute.data.source import DataError, Folder, OutsideError

__all__ = [
    "DataError",
    "Folder",
    "OutsideError",
    "Samples",
    "Scaling",
    "load_samples",
    "probe",
]
