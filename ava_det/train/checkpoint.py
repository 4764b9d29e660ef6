"""Checkpoints of a run that a kill at any moment leaves whole."""

import os
import re
from pathlib import Path
from typing import Any

import torch
from fvcore.common.checkpoint import Checkpointer

from ava_det.formats.atomic import atomic_path
from ava_det.structures import InputError
from ava_det.train.finite import check_finite

MOST_KEPT = 2  # numbered checkpoints, the last one among them
_NUMBERED = re.compile(r"model_\d{7,}\.pth")


class AtomicCheckpointer(Checkpointer):
    """fvcore's checkpointer with atomic writes, no unpickling of code and no partial load.

    fvcore writes a checkpoint and the name of the last one in place, so a kill in the middle loses
    both, loads with a warning what does not fit, and forgets at a restart which checkpoints it has
    to delete. Numbers that are none are neither written nor loaded.
    """

    def save(self, name: str, **kwargs: Any) -> None:
        """Write `name`.pth: the model, the checkpointables, `kwargs`; then tag it the last.

        Raises:
            FloatingPointError: NaN or infinite numbers; the checkpoints stay as they are.
        """
        if not self.save_dir or not self.save_to_disk:
            return
        data = {"model": self.model.state_dict(), **kwargs}
        data.update({key: obj.state_dict() for key, obj in self.checkpointables.items()})
        path = Path(self.save_dir) / f"{name}.pth"
        check_finite(data, f"{path}, which is not written")
        with atomic_path(path) as partial, partial.open("wb") as file:
            torch.save(data, file)
            file.flush()
            os.fsync(file.fileno())
        self.tag_last_checkpoint(path.name)
        self.sweep()

    def tag_last_checkpoint(self, last_filename_basename: str) -> None:
        """Name the newest checkpoint, which is on the disk already."""
        tag = Path(self.save_dir) / "last_checkpoint"
        with atomic_path(tag) as partial:
            partial.write_text(last_filename_basename)

    def sweep(self) -> None:
        """Delete numbered checkpoints but for the last one and the youngest beside it."""
        if not self.save_to_disk:
            return
        last = Path(self.get_checkpoint_file()).name
        numbered = [p for p in Path(self.save_dir).iterdir() if _NUMBERED.fullmatch(p.name)]
        others = [path for path in numbered if path.name != last]
        others.sort(key=lambda path: (path.stat().st_mtime_ns, path.name))
        kept = MOST_KEPT - (len(others) < len(numbered))
        for path in others[:-kept]:
            path.unlink()

    def _load_file(self, f: str) -> dict[str, Any]:
        try:
            content = torch.load(f, map_location="cpu", weights_only=True)
        except Exception as error:  # torch raises whatever the broken bytes lead it to
            raise InputError(f"{f}: not a checkpoint of this program ({error})") from error
        try:
            check_finite(content, f)
        except FloatingPointError as error:
            remedy = "name an earlier checkpoint in last_checkpoint, or start anew"
            raise InputError(f"{error}; {remedy}") from None
        return content

    def _load_model(self, checkpoint: Any) -> Any:
        incompatible = super()._load_model(checkpoint)
        if any(incompatible):
            raise InputError(f"{self.save_dir}: the checkpoint is of another model: {incompatible}")
        return incompatible
