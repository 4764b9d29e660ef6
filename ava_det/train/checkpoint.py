"""Write checkpoints that stay intact when a run is killed at any moment."""

import os
import re
from pathlib import Path
from typing import Any

import torch
from fvcore.common.checkpoint import Checkpointer

from ava_det.formats.atomic import atomic_path
from ava_det.structures import InputError
from ava_det.train.finite import check_finite

MOST_KEPT = 2  # numbered checkpoints, including the last one
_NUMBERED = re.compile(r"model_\d{7,}\.pth")


class AtomicCheckpointer(Checkpointer):
    """fvcore's checkpointer with atomic writes, no unpickling of code and no partial load.

    fvcore overwrites files in place, so a kill during a write loses the checkpoint and the name of
    the last one. It only warns when a checkpoint does not fit the model, and after a restart it
    never deletes older checkpoints. This class fixes all three, and it refuses to write or load NaN
    and infinite numbers.
    """

    def save(self, name: str, **kwargs: Any) -> None:
        """Write the model, the checkpointables and `kwargs` to `name`.pth, as the last checkpoint.

        Raises:
            FloatingPointError: There are NaN or infinite numbers; nothing is written.
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
        """Write the name of the newest checkpoint, which is on the disk already."""
        tag = Path(self.save_dir) / "last_checkpoint"
        with atomic_path(tag) as partial:
            partial.write_text(last_filename_basename)

    def sweep(self) -> None:
        """Delete all numbered checkpoints except the last one and the newest other one."""
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
        except Exception as error:  # broken bytes lead to many kinds of errors
            raise InputError(f"{f}: not a checkpoint of this program ({error})") from error
        try:
            check_finite(content, f)
        except FloatingPointError as error:
            remedy = "write the name of an earlier checkpoint into last_checkpoint, or start again"
            raise InputError(f"{error}; {remedy}") from None
        return content

    def _load_model(self, checkpoint: Any) -> Any:
        incompatible = super()._load_model(checkpoint)
        if any(incompatible):
            raise InputError(f"{self.save_dir}: the checkpoint is of another model: {incompatible}")
        return incompatible
