"""ModelManifest: what model.json of an exported model says."""

from pathlib import Path

import msgspec

from adcascade.errors import BundleError

FORMAT = 1


class ModelManifest(msgspec.Struct, frozen=True, kw_only=True):
    """Read by the Scorer before anything else."""

    format: int  # of the folder
    fingerprint: str  # of the encoder that the model was trained with
    method: str  # "module:class" of the model
    width: int  # K
    request_fields: int
    request_numbers: int
    ad_fields: int
    ad_numbers: int
    sequences: int  # S
    length: int  # L
    states: int  # how many tensors the request's state has
    folded: tuple[int, ...] = ()  # numbers of the scenarios that have a score graph of their own


def read_manifest(folder: Path, fingerprint: str) -> ModelManifest:
    """Read model.json; BundleError where it is damaged, of another format, or of another encoder."""
    try:
        manifest = msgspec.json.decode((folder / "model.json").read_bytes(), type=ModelManifest)
    except (OSError, msgspec.MsgspecError) as error:
        raise BundleError(f"{folder} holds no readable model.json ({error}); export the model again") from error
    if manifest.format != FORMAT:
        raise BundleError(f"{folder} has format {manifest.format}, this version reads {FORMAT}; export the model again")
    if manifest.fingerprint != fingerprint:
        raise BundleError(
            f"{folder} was trained with encoder {manifest.fingerprint[:12]}, not {fingerprint[:12]}; "
            "load the encoder of the same bundle, or train again"
        )
    return manifest
