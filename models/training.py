"""The loop that every network of mien is trained by: resumes, logs, several devices.

A *task* knows its networks, its optimisers, and what one step does. Batches are drawn from the seed
and the number of the step alone, so an interrupted training goes on as if nothing had happened. A
checkpoint is one safetensors file (networks, optimisers, step); nothing is unpickled.
"""

from __future__ import annotations

import json
import math
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from lightning.fabric import Fabric
from lightning.fabric.utilities.exceptions import MisconfigurationException
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

Progress = Callable[[int, int], None]  # (steps done, all)
Backward = Callable[[Tensor], None]
CHECKPOINT = "checkpoint.safetensors"
RECORD = "training.json"  # in a folder: what is trained there


class TrainingError(ValueError):
    """A training that cannot be, or not here; its message is for the user."""


class Task(Protocol):
    """What is trained."""

    @property
    def name(self) -> str:
        """Of the task, unique within its folder."""
        ...

    @property
    def steps(self) -> int:
        """How many updates there are."""
        ...

    @property
    def networks(self) -> Mapping[str, nn.Module]:
        """Everything that a checkpoint keeps, by name."""
        ...

    @property
    def optimisers(self) -> Mapping[str, torch.optim.Optimizer]:
        """By name."""
        ...

    def batch(self, step: int, share: slice) -> Any:
        """The batch of a step; `share` are the rows of it that this device sees."""
        ...

    def update(self, batch: Any, step: int, engine: Engine) -> dict[str, Tensor]:
        """One step: losses, gradients, update; returns what is logged."""
        ...


@dataclass(frozen=True)
class RunSettings:
    """How a training runs; nothing of it changes what is learned, but for rounding."""

    precision: str = "bf16-mixed"
    devices: int | str = 1
    accelerator: str = "auto"
    save_every_s: float = 120.0
    log_every: int = 20  # steps
    tensorboard: bool = False
    threads: int | None = None  # of each process on a CPU; None: all allowed, shared by processes


class Engine:
    """The devices, and the one way to take a step on them."""

    def __init__(self, fabric: Fabric) -> None:
        self.fabric = fabric

    def move(self, network: nn.Module) -> None:
        """Bring a network to the device; convolutions run faster with channels last."""
        network.to(self.fabric.device, memory_format=torch.channels_last)

    def step(
        self, loss: Tensor, *optimisers: torch.optim.Optimizer, clip: float | None = None
    ) -> None:
        """Gradients of a loss, averaged over all devices, and one update by each optimiser."""
        for optimiser in optimisers:
            optimiser.zero_grad(set_to_none=True)
        self.fabric.backward(loss)
        for optimiser in optimisers:
            free = [p for group in optimiser.param_groups for p in group["params"]]
            if self.fabric.world_size > 1:
                for p in free:
                    if p.grad is not None:
                        p.grad = self.fabric.all_reduce(p.grad, reduce_op="mean")  # pyright: ignore
            if clip is not None:
                torch.nn.utils.clip_grad_norm_(free, clip)
            optimiser.step()


def claim(folder: Path, facts: Mapping[str, Any]) -> None:
    """Write down what is trained in a folder; a folder where something else is, is refused.

    Raises:
        TrainingError: Another training has begun there.
    """
    path, now = folder / RECORD, json.loads(json.dumps(facts))
    if path.is_file():
        changed = _differences(json.loads(path.read_text(encoding="utf-8")), now)
        if changed:
            raise TrainingError(
                f"{folder}: another training has begun there ({'; '.join(changed[:3])}); give a "
                "new folder, or the same settings to go on"
            )
    elif first_process():
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(now, indent=1) + "\n", encoding="utf-8")


def first_process() -> bool:
    """Whether this process is the one that writes, where several train together."""
    ranks = (os.environ.get(name) for name in ("RANK", "SLURM_PROCID", "LOCAL_RANK"))
    return all(rank in (None, "0") for rank in ranks)


def train(
    task: Task,
    folder: Path,
    run: RunSettings | None = None,
    progress: Progress | None = None,
    until: Callable[[], bool] = lambda: False,
) -> bool:
    """Take every step of a task that is not taken yet; True if all are.

    The checkpoint in folder/NAME is written every few minutes, at the end, and when interrupted;
    log.jsonl beside it holds what was logged. until: asked after each step whether to stop early.
    Batch norms see what their own device sees; at the end all have the first device's networks.

    Raises:
        TrainingError: Devices or precision that this machine does not have, or no TensorBoard.
    """
    run = run or RunSettings()
    fabric = _fabric(run, folder)
    engine = Engine(fabric)
    for network in task.networks.values():
        engine.move(network)
    place = folder / task.name / CHECKPOINT
    step = load_checkpoint(task, place) if place.is_file() else 0
    share = slice(fabric.global_rank, None, fabric.world_size)
    saved, log = time.monotonic(), Log(place.with_name("log.jsonl"), step)
    try:
        while step < task.steps and not until():
            with fabric.autocast():
                said = task.update(task.batch(step, share), step, engine)
            step += 1
            if step % run.log_every == 0 or step == task.steps:
                values = {name: float(value) for name, value in said.items()}
                _refuse_no_numbers(values, task.name, step)
                log.add(step, values)
                fabric.log_dict(values, step)
            if progress:
                progress(step, task.steps)
            if time.monotonic() - saved > run.save_every_s:
                _keep(task, place, step, log, fabric)
                saved = time.monotonic()
    except TrainingError:
        raise  # the last checkpoint is better than what is here now
    except BaseException:
        _keep(task, place, step, log, fabric)
        raise
    _keep(task, place, step, log, fabric)
    if fabric.world_size > 1:
        fabric.barrier()
        load_checkpoint(task, place)
    return step == task.steps


class Log:
    """What was said at which step, one JSON object a line; whatever came after a resume is cut."""

    def __init__(self, path: Path, step: int) -> None:
        self.path = path
        lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
        self.rows = [row for row in map(json.loads, lines) if row["step"] <= step]

    def add(self, step: int, values: Mapping[str, float]) -> None:
        """Keep what was measured at a step."""
        self.rows.append({"step": step, **{n: round(v, 6) for n, v in values.items()}})

    def write(self) -> None:
        """Bring the file up to date."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        text = "".join(f"{json.dumps(row)}\n" for row in self.rows)
        self.path.write_text(text, encoding="utf-8")


def _keep(task: Task, place: Path, step: int, log: Log, fabric: Fabric) -> None:
    if fabric.is_global_zero:
        save_checkpoint(task, place, step)
        log.write()


def _refuse_no_numbers(values: Mapping[str, float], task: str, step: int) -> None:
    """Stop a training that has come apart, before it has cost hours."""
    lost = [name for name, value in values.items() if not math.isfinite(value)]
    if lost:
        raise TrainingError(
            f"{task}: step {step} gives no number for {', '.join(lost)}; delete the folder of "
            "this stage, and train with a lower rate or in 32-true"
        )


def rising_then_falling(risen: float, done: float) -> float:
    """A learning rate as a share of its highest: it warms up, and falls along a cosine to nothing.

    risen: how far the warming up is, 1 or more at its end; done: share of all steps.
    """
    return min(1.0, risen) * 0.5 * (1 + math.cos(math.pi * done))


def along_cosine(step: int, steps: int, warm: float = 0.02) -> float:
    """The same at a step, counted from 0, of so many: `warm` of them warm up."""
    return rising_then_falling((step + 1) / max(1, warm * steps), step / steps)


def set_rate(rate: float, *optimisers: torch.optim.Optimizer) -> None:
    """The learning rate of everything that these change."""
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            group["lr"] = rate


def told(name: str) -> Progress:
    """Progress as a line on the error stream for each hundredth of a stage."""
    start, said = time.monotonic(), -1

    def show(done: int, total: int) -> None:
        nonlocal said
        if done * 100 // total > said:
            said = done * 100 // total
            took = time.monotonic() - start
            sys.stderr.write(f"{name}: {done} of {total} steps, {took:.0f} s\n")
            sys.stderr.flush()

    return show


def save_checkpoint(task: Task, path: Path, step: int) -> None:
    """Networks, optimisers and the number of steps taken, in one safetensors file."""
    tensors = {"step": torch.tensor(step)}
    for name, network in task.networks.items():
        tensors |= {f"network/{name}/{key}": t for key, t in network.state_dict().items()}
    for name, optimiser in task.optimisers.items():
        for number, state in optimiser.state_dict()["state"].items():
            for key, value in state.items():
                tensors[f"optimiser/{name}/{number}/{key}"] = torch.as_tensor(value)
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    # a copy of its own for each: safetensors refuses tensors that share memory or stride
    save_file({k: t.detach().cpu().clone(memory_format=torch.contiguous_format)
               for k, t in tensors.items()}, fresh)  # fmt: skip
    fresh.replace(path)


def load_checkpoint(task: Task, path: Path) -> int:
    """Bring networks and optimisers to where they were; returns the steps taken."""
    with safe_open(path, "pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    for name, network in task.networks.items():
        network.load_state_dict(_below(tensors, f"network/{name}/"))
    for name, optimiser in task.optimisers.items():
        state: dict[int, dict[str, Tensor]] = {}
        for key, value in _below(tensors, f"optimiser/{name}/").items():
            number, what = key.split("/")
            state.setdefault(int(number), {})[what] = value
        whole = optimiser.state_dict()
        optimiser.load_state_dict({"state": state, "param_groups": whole["param_groups"]})
        _lay_out(optimiser)
    return int(tensors["step"])


def _lay_out(optimiser: torch.optim.Optimizer) -> None:
    """What is known of a weight lies in memory as the weight does: fused optimisers rely on it."""
    for weight, known in optimiser.state.items():
        for name, value in known.items():
            if value.shape == weight.shape:
                known[name] = torch.empty_like(weight).copy_(value)


def _below(tensors: Mapping[str, Tensor], start: str) -> dict[str, Tensor]:
    return {n.removeprefix(start): t for n, t in tensors.items() if n.startswith(start)}


def _differences(then: Any, now: Any, name: str = "") -> list[str]:
    """What two records say differently, in words."""
    if not (isinstance(then, dict) and isinstance(now, dict)):
        return [] if then == now else [f"{name} {_short(then)} there, {_short(now)} now"]
    names = [n for n in {**then, **now} if then.get(n) != now.get(n)]
    return [
        line for n in names
        for line in _differences(then.get(n), now.get(n), f"{name}.{n}" if name else n)
    ]  # fmt: skip


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 16 else f"{text[:12]}…"


def _fabric(run: RunSettings, folder: Path) -> Fabric:
    loggers = []
    if run.tensorboard:
        from lightning.fabric.loggers import TensorBoardLogger

        try:
            loggers.append(TensorBoardLogger(folder, name="tensorboard", version=""))
        except ModuleNotFoundError:
            raise TrainingError(
                "TensorBoard is not installed: pip install tensorboard, or leave --tensorboard "
                "out; log.jsonl holds the same numbers"
            ) from None
    try:
        fabric = Fabric(
            accelerator=run.accelerator,
            devices=run.devices,
            precision=run.precision,  # pyright: ignore[reportArgumentType]
            loggers=loggers,
        )
    except (RuntimeError, ValueError, TypeError, MisconfigurationException) as error:
        raise TrainingError(
            f"cannot train on accelerator {run.accelerator}, devices {run.devices}, precision "
            f"{run.precision}: {str(error).splitlines()[0]}"
        ) from None
    fabric.launch()
    if fabric.device.type == "cpu":
        torch.set_num_threads(run.threads or _allowed_threads(fabric.world_size))
    return fabric


def _allowed_threads(processes: int) -> int:
    """What OMP_NUM_THREADS says, or the cores that the queue lent, shared by all processes."""
    said = os.environ.get("OMP_NUM_THREADS", "")
    if said.isdecimal() and int(said):
        return int(said)
    lent = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, (lent or 1) // processes)
