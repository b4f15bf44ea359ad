"""From a data file to weights: every stage of Blume 2024, section 4.2, one after the other.

    python -m models.context_face.learn DATA -o FOLDER [--recipe shipped] [--way paired]
    python -m models.context_face.learn DATA -o FOLDER --from WEIGHTS
    python -m models.context_face.learn DATA -o FOLDER --voices WEIGHTS
    python -m models.context_face.learn DATA -o FOLDER --onto WEIGHTS

The second goes on from finished networks with other data: everything but the voices. The third goes
on with voices alone: how faces and their changes are drawn stays. The fourth trains the composer
alone, onto networks that are finished; one that they have goes on from what it learned. They need
PyTorch, Lightning, safetensors and NumPy, and nothing else of mien: the data file and this folder
can be carried to a machine with a GPU. Whatever is interrupted goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, replace
from pathlib import Path

from models.context_face.data import TrainingData, load_data
from models.context_face.going_on import compose_onto, hear_on, learn_on
from models.context_face.network import ContextFace
from models.context_face.pretraining import Pretraining
from models.context_face.recipes import RECIPES, Recipe
from models.context_face.shifting import Way
from models.context_face.stages import (
    WEIGHTS,
    Stage,
    finish,
    learn_expressions,
    learn_shifts,
    of_faces,
    relatives_of,
    save,
    teach_voices,
)
from models.training import RunSettings, claim, told


def learn(
    data: TrainingData,
    folder: Path,
    recipe: Recipe,
    run: RunSettings | None = None,
    stage: Stage = lambda _: lambda done, total: None,
) -> Path:
    """Train every stage that is not done yet; returns the file of the weights.

    Where nobody is there both neutral and with an expression, there is no composer.

    Raises:
        TrainingError: Something else is trained in the folder, or the machine lacks what is asked.
    """
    run = run or RunSettings()
    recipe = replace(recipe, network=replace(recipe.network, emotions=data.emotions))
    relatives = relatives_of(data)
    if recipe.composing is None or not len(relatives.pairs):
        plain = replace(recipe.network, composer=None)
        recipe = replace(recipe, network=plain, composing=None)
    claim(folder, {"data": data.facts["sha256"], "recipe": asdict(recipe)})
    network = recipe.network
    face = of_faces("face", recipe.face, data, network, relatives)
    heard = data.of_voices.where("train")
    context = Pretraining("context", network.context, recipe.context, len(heard),
                          lambda picked: data.spectrograms(heard[picked]))  # fmt: skip
    for task in (face, context):
        finish(task, folder, run, stage)
    expressions = learn_expressions(recipe, data, relatives, folder, run, stage)
    if recipe.polish is not None:
        polish = of_faces("polish", recipe.polish, data, network, relatives, expressions)
        polish.go_on_from(face)
        finish(polish, folder, run, stage)
        face = polish
    if recipe.teaching is not None:
        teach_voices(context.vae.encoder, recipe.teaching, data, folder, run, stage)
    finished = ContextFace(network)
    finished.face, finished.context = face.vae, context.vae
    learn_shifts(finished, recipe, data, relatives, expressions, folder, run, stage)
    return save(folder / WEIGHTS, finished, data.facts.get("licence", "unknown"), {
        "data_sha256": data.facts["sha256"], "training": json.dumps(asdict(recipe)),
    })  # fmt: skip


def main(words: list[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m models.context_face.learn")
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--recipe", choices=sorted(RECIPES), default="shipped")
    parser.add_argument("--way", choices=[way.value for way in Way])
    given = parser.add_mutually_exclusive_group()
    given.add_argument("--from", dest="start", type=Path, help="finished networks to go on from")
    given.add_argument("--voices", type=Path, help="finished networks that hear voices anew")
    given.add_argument("--onto", type=Path, help="finished networks that get a composer")
    parser.add_argument("--polish", type=int, help="steps of the polish; default: the recipe's")
    parser.add_argument("--precision", default="bf16-mixed")
    asked = parser.parse_args(words)
    for other in ("voices", "onto"):
        if asked.polish is not None and getattr(asked, other) is not None:
            parser.error(f"argument --polish: not allowed with argument --{other}")
    run = RunSettings(asked.precision)
    try:
        recipe = RECIPES[asked.recipe].polished(asked.polish)
        if asked.way:
            recipe = replace(recipe, shift=replace(recipe.shift, way=Way(asked.way)))
        data = load_data(asked.data)
        if asked.start is not None:
            path = learn_on(data, asked.out, asked.start, recipe, run, told)
        elif asked.voices is not None:
            path = hear_on(data, asked.out, asked.voices, recipe, run, told)
        elif asked.onto is not None:
            path = compose_onto(data, asked.out, asked.onto, recipe, run, told)
        else:
            path = learn(data, asked.out, recipe, run, told)
    except ValueError as error:  # no data, no polish, another training there, no such device
        sys.exit(str(error))
    sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
