"""What a study offers to participants: title, description, reward, places, what they need.

Title and description are neutral unless the protocol brings its own: the protocol's `title` and
`description` are for researchers and may tell the hypothesis.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from experiments.build import screen_of
from experiments.errors import StudyError
from experiments.media import Medium
from experiments.plan import Plan, read_plan
from experiments.recruitment.money import reward
from experiments.recruitment.platforms import entry_address
from protocols.generators import GENERATORS
from protocols.manifest import read_manifest
from protocols.protocol import Protocol
from protocols.study import Study

DEVICES = {"computer": ("desktop",), "any": ("desktop", "tablet", "mobile")}
SOUNDING = ("voiced-face", "talking-face", "reaction")  # generators whose stimuli are heard
FILMED = ("talking-face", "reaction")
WORDS = {
    "en": {
        "title": {"image": "Rating pictures of faces", "audio": "Rating faces and voices",
                  "video": "Rating short videos of people"},
        "what": {"image": "{n} pictures of faces", "audio": "{n} pictures of faces and hear voices",
                 "video": "{n} short videos of people"},
        "text": "In this study you will see {what} and answer {questions} about each of them.",
        "one": "one question", "many": "{n} questions", "end": "A few questions follow at the end.",
        "minutes": "It takes about {minutes} minutes.",
        "computer": "You need a computer, not a phone or a tablet, with a window of at least "
                    "{width} × {height} pixels",
        "any": "You can use any device with a window of at least {width} × {height} pixels",
        "sound": ", and loudspeakers or headphones.",
        "free": "Taking part is voluntary; you may stop at any time.",
    },
    "de": {
        "title": {"image": "Bilder von Gesichtern beurteilen",
                  "audio": "Gesichter und Stimmen beurteilen",
                  "video": "Kurze Videos von Menschen beurteilen"},
        "what": {"image": "{n} Bilder von Gesichtern",
                 "audio": "{n} Bilder von Gesichtern, hören Stimmen",
                 "video": "{n} kurze Videos von Menschen"},
        "text": "In dieser Studie sehen Sie {what} und beantworten zu jedem {questions}.",
        "one": "eine Frage", "many": "{n} Fragen", "end": "Am Ende folgen einige Fragen.",
        "minutes": "Sie dauert etwa {minutes} Minuten.",
        "computer": "Sie brauchen einen Computer, kein Telefon oder Tablet, mit einem Fenster von "
                    "mindestens {width} × {height} Pixeln",
        "any": "Sie können jedes Gerät mit einem Fenster von mindestens {width} × {height} Pixeln "
               "nehmen",
        "sound": ", und Lautsprecher oder Kopfhörer.",
        "free": "Die Teilnahme ist freiwillig; Sie können jederzeit aufhören.",
    },
}  # fmt: skip


@dataclass(frozen=True)
class Offer:
    """One study as its participants meet it.

    Attributes:
        name: of the protocol, for researchers.
        title: for participants.
        description: for participants, plain paragraphs.
        lists: how many counterbalanced lists.
        places: valid participants wanted, over all lists.
        minutes: expected duration; None: not stated.
        reward: of one participant, in the currency of the protocol; None: not stated.
        devices: on which it may be done: desktop, tablet, mobile.
        window: smallest window, in pixels.
        sound: whether something is heard.
        checks: whether missed attention checks exclude.
        address: to give to the platform; None: the protocol names none.
    """

    name: str
    title: str
    description: str
    lists: int
    places: int
    minutes: int | None
    reward: Decimal | None
    devices: tuple[str, ...]
    window: tuple[int, int]
    sound: bool
    checks: bool
    address: str | None


def offer_of(study: Study, address: str | None = None) -> Offer:
    """The offer of a study with a plan. `address` goes before `recruitment.address`.

    Raises:
        StudyError: there is no plan yet.
    """
    protocol = study.protocol()
    recruitment, plan = protocol.recruitment, read_plan(study, protocol)
    kind, window = _kind_and_window(study, protocol)
    lists = len(set(plan.lists.values()))
    sound = kind == "audio" or protocol.stimuli.generator in SOUNDING or "voice" in _heard(protocol)
    words = WORDS[protocol.pages.language]
    text = recruitment.description or _text(protocol, plan, kind, window, sound)
    address = address or recruitment.address
    return Offer(
        protocol.name, recruitment.title or words["title"][kind], text, lists,
        lists * recruitment.per_list, recruitment.minutes, reward(recruitment),
        DEVICES[protocol.pages.devices], window, sound,
        any(rule.rule == "attention" for rule in protocol.exclusions),
        entry_address(recruitment, address) if address else None,
    )  # fmt: skip


def asked_for(offer: Offer) -> Offer:
    """The same offer, refused if the platform could not be given it.

    Raises:
        StudyError: address, minutes or pay are missing; one line for each.
    """
    missing = []
    if offer.address is None:
        missing.append("recruitment.address is missing: where participants find the study (https)")
    if offer.minutes is None:
        missing.append("recruitment.minutes is missing: how long the study takes")
    if offer.reward is None:
        missing.append("recruitment.pay is missing, such as {hourly: 9.00, currency: GBP}")
    if missing:
        raise StudyError("\n".join(f"{offer.name}: {line}" for line in missing))
    return offer


def _kind_and_window(study: Study, protocol: Protocol) -> tuple[str, tuple[int, int]]:
    """What is shown (image, audio, video), and the smallest window; from the stimuli if made."""
    generator, size = protocol.stimuli.generator, protocol.stimuli.size
    made = (study.stimuli / "stimuli.tsv").is_file()
    if made:
        manifest = read_manifest(study.stimuli)
        kinds = set(manifest.type)
        kind = next((k for k in ("audioVideo", "video", "audio") if k in kinds), "image")
        kind = "video" if kind == "audioVideo" else kind
        largest = [int(manifest[side].fillna(0).max() or 0) for side in ("width", "height")]
    else:
        filmed = protocol.stimuli.clip is not None or generator in FILMED
        kind = "video" if filmed else "audio" if generator in SOUNDING else "image"
        largest = [size, size]
    screen = screen_of(protocol, {"": Medium(Path(), "", kind, largest[0], largest[1])})
    return kind, (screen["width"], screen["height"])


def _heard(protocol: Protocol) -> str:
    """The factors that are heard, in one string."""
    known = GENERATORS[protocol.stimuli.generator]
    silent = known.clips and protocol.stimuli.clip is None
    return "" if silent else " ".join(name for name in protocol.factors if "voice" in name)


def _text(
    protocol: Protocol, plan: Plan, kind: str, window: tuple[int, int], sound: bool
) -> str:  # fmt: skip
    words, recruitment = WORDS[protocol.pages.language], protocol.recruitment
    shown = max(sum(trial.kind != "practice" for trial in own) for own in plan.trials.values())
    questions = len(protocol.tasks)
    told = [
        words["text"].format(
            what=words["what"][kind].format(n=shown),
            questions=words["one"] if questions == 1 else words["many"].format(n=questions),
        )
    ]
    if protocol.pages.questionnaire:
        told.append(words["end"])
    if recruitment.minutes:
        told.append(words["minutes"].format(minutes=recruitment.minutes))
    need = words[protocol.pages.devices].format(width=window[0], height=window[1])
    told += [need + (words["sound"] if sound else "."), words["free"]]
    return " ".join(told)
