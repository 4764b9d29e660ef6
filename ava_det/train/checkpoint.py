"""Checkpoints of a run that a kill at any moment leaves whole."""

import os
from pathlib import Path
from typing import Any

import torch
from fvcore.common.checkpoint import Checkpointer

from ava_det.structures import InputError


class AtomicCheckpointer(Checkpointer):
    """fvcore's checkpointer with atomic writes, no unpickling of code and no partial load.

    fvcore writes a checkpoint and the name of the last one in place, so a kill in the middle loses
    both, and loads with a warning what does not fit.
    """

    def save(self, name: str, **kwargs: Any) -> None:
        """Write `name`.pth: the model, the checkpointables, `kwargs`; then tag it the last."""
        if not self.save_dir or not self.save_to_disk:
            return
        data = {"model": self.model.state_dict(), **kwargs}
        data.update({key: obj.state_dict() for key, obj in self.checkpointables.items()})
        path = Path(self.save_dir) / f"{name}.pth"
        temporary = path.with_name(path.name + ".part")
        with temporary.open("wb") as file:
            torch.save(data, file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        self.tag_last_checkpoint(path.name)

    def tag_last_checkpoint(self, last_filename_basename: str) -> None:
        """Name the newest checkpoint, which is on the disk already."""
        tag = Path(self.save_dir) / "last_checkpoint"
        temporary = tag.with_name(tag.name + ".part")
        temporary.write_text(last_filename_basename)
        temporary.replace(tag)

    def _load_file(self, f: str) -> dict[str, Any]:
        try:
            return torch.load(f, map_location="cpu", weights_only=True)
        except Exception as error:  # torch raises whatever the broken bytes lead it to
            raise InputError(f"{f}: not a checkpoint of this program ({error})") from error

    def _load_model(self, checkpoint: Any) -> Any:
        incompatible = super()._load_model(checkpoint)
        if any(incompatible):
            raise InputError(f"{self.save_dir}: the checkpoint is of another model: {incompatible}")
        return incompatible
