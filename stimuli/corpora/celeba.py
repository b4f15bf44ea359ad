"""CelebA (Liu et al., 2015): `Img/img_align_celeba/000001.jpg` … `202599.jpg`, tables in `Anno/`.

`list_attr_celeba.txt` has the number of pictures in line 1, forty names in line 2, then a name and
forty of -1 or 1 a line. `identity_CelebA.txt` (on request) says who is shown, of 10,177 people,
`Eval/list_eval_partition.txt` which part a picture is in: 0 train, 1 validation, 2 test. A copy
spread on the web has `list_attr_celeba.csv` and `list_eval_partition.csv` instead, and folders
one within the other; it is read too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from protocols.licences import LICENCES
from protocols.section import nearest
from stimuli.corpora.adapter import Adapter, Clip
from stimuli.corpora.problems import some
from stimuli.corpora.tree import Tree, stem

PATTERN = re.compile(r"\d{6}")
PICTURES = 202_599
ATTRIBUTES = """5_o_Clock_Shadow Arched_Eyebrows Attractive Bags_Under_Eyes Bald Bangs Big_Lips
Big_Nose Black_Hair Blond_Hair Blurry Brown_Hair Bushy_Eyebrows Chubby Double_Chin Eyeglasses Goatee
Gray_Hair Heavy_Makeup High_Cheekbones Male Mouth_Slightly_Open Mustache Narrow_Eyes No_Beard
Oval_Face Pale_Skin Pointy_Nose Receding_Hairline Rosy_Cheeks Sideburns Smiling Straight_Hair
Wavy_Hair Wearing_Earrings Wearing_Hat Wearing_Lipstick Wearing_Necklace Wearing_Necktie Young"""
PARTITION = {"0": "train", "1": "validation", "2": "test"}
Words = dict[str, list[str]]  # number of the picture -> words of its line


def read(tree: Tree) -> list[Clip]:
    """The pictures of CelebA below the tree."""
    pictures: dict[str, str] = {}
    for path in tree.media(".jpg", ".png"):
        number = stem(path)
        if not PATTERN.fullmatch(number) or not 1 <= int(number) <= PICTURES:
            tree.problems.add("name", path, f"accepted: 000001.jpg to {PICTURES}.jpg")
        elif number in pictures:
            tree.problems.add("duplicate", path, f"is also {pictures[number]}, which is used")
        else:
            pictures[number] = path
    names, attributes = _attributes(tree)
    people = _pairs(tree, "identity_CelebA", "who is shown stays empty (on request from its "
                    "authors), and no split by person can be made")  # fmt: skip
    parts = _pairs(tree, "list_eval_partition", "the published parts stay empty")
    _note_missing(pictures, attributes or parts, tree)
    return [
        _clip(number, path, names, attributes.get(number), people.get(number), parts.get(number),
              tree)
        for number, path in pictures.items()
    ]  # fmt: skip


def _clip(
    number: str, path: str, names: list[str], signs: list[str] | None,
    person: list[str] | None, part: list[str] | None, tree: Tree,
) -> Clip:  # fmt: skip
    has = {name for name, sign in zip(names, signs, strict=True) if sign == "1"} if signs else set()
    partition = PARTITION.get(part[0]) if part else None
    if part and partition is None:
        tree.problems.add("label", path, f"part {part[0]}; accepted: 0, 1, 2")
    gender = None
    if signs and "Male" in names:
        gender = "male" if "Male" in has else "female"
    return Clip(
        clip=number,
        actor=person[0] if person else None,
        gender=gender,
        image=[path],
        attributes=" ".join(name for name in names if name in has) or None,
        partition=partition,
    )


def _attributes(tree: Tree) -> tuple[list[str], Words]:
    """Names of the attributes, and -1 or 1 for each, by picture."""
    file, rows = _rows(tree, "list_attr_celeba", "gender and attributes stay empty")
    header = next(rows, None)
    if file is not None and header is not None and len(header[1]) == 1 and header[1][0].isdigit():
        header = next(rows, None)  # the original has the number of pictures above the names
    if file is None or header is None:
        return [], {}
    known = ATTRIBUTES.split()
    names = [name for name in header[1] if name != "image_id"]
    unknown = [name for name in names if name not in known]
    if unknown or "Male" not in names:
        wrong = f"unknown attribute '{unknown[0]}'{nearest(unknown[0], known)}" if unknown else (
            "the attribute 'Male' is missing")  # fmt: skip
        tree.problems.add("table", file, f"{wrong}; gender and attributes stay empty")
        return [], {}
    found: Words = {}
    for line, words in rows:
        number, signs = words[0].split(".")[0], words[1:]
        if len(signs) != len(names) or not set(signs) <= {"1", "-1"}:
            tree.problems.add(
                "label", f"{file}:{line}",
                f"{len(signs)} words; accepted: a picture and {len(names)} of -1 or 1",
            )  # fmt: skip
        else:
            found[number] = signs
    return names, found


def _pairs(tree: Tree, name: str, without: str) -> Words:
    """A table of pictures and one word each."""
    file, rows = _rows(tree, name, without)
    found: Words = {}
    for line, words in rows:
        number = words[0].split(".")[0]
        if len(words) == 2 and PATTERN.fullmatch(number) and words[1].isdigit():
            found[number] = words[1:]
        elif not (line == 1 and words[0] == "image_id"):
            said = " ".join(words)[:60]
            tree.problems.add("label", f"{file}:{line}", f"'{said}'; accepted: 000001.jpg 2880")
    return found


def _rows(
    tree: Tree, name: str, without: str
) -> tuple[str | None, Iterator[tuple[int, list[str]]]]:
    """Path of the table `name` (.txt or .csv), and the words of each line with its number."""
    found = tree.named(f"{name}.txt") + tree.named(f"{name}.csv")
    if not found:
        tree.problems.add("table", f"{name}.txt", f"not there: {without}")
        return None, iter(())
    try:
        text = (tree.root / found[0]).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        tree.problems.add("table", found[0], f"cannot be read ({error}): {without}")
        return None, iter(())
    if not text.strip():
        tree.problems.add("table", found[0], f"is empty: {without}")
        return None, iter(())
    lines = enumerate(text.replace(",", " ").splitlines(), start=1)
    return found[0], ((number, line.split()) for number, line in lines if line.strip())


def _note_missing(pictures: dict[str, str], listed: Words, tree: Tree) -> None:
    lacking = [number for number in listed if number not in pictures]
    if lacking:
        tree.problems.add(
            "missing", "img_align_celeba",
            f"{len(lacking):,} of {len(listed):,} listed pictures not there: {some(lacking)}",
            len(lacking),
        )  # fmt: skip
    unlisted = [number for number in pictures if listed and number not in listed]
    if unlisted:
        tree.problems.add(
            "unpaired", "img_align_celeba",
            f"{len(unlisted):,} pictures stand in no table: {some(unlisted)}", len(unlisted),
        )  # fmt: skip


CELEBA = Adapter("celeba", "1", LICENCES["celeba"], "Img/img_align_celeba/000001.jpg", read)
