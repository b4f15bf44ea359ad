"""The datasheet that lies beside a synthetic corpus: what it is, what is exact, what it is not."""

from __future__ import annotations

import pandas as pd

from stimuli.corpora.synthetic.request import Request, words

CLIP_FILES = """
| file of a clip | holds |
|---|---|
| `.mp4` | H.264, 25 frames a second, sRGB as BT.709; sound as AAC, which begins with frame 0 |
| `.flac` | the sound as it was made, 16 bits, at the rate of the source voice |
| `.npz` | exact annotation; frame t shows the time (t + 0.5) / 25 s |

| array of an annotation | shape | holds |
|---|---|---|
| `weights`, `actions` | (T, 52), (52,) | facial actions of each frame as drawn; their names |
| `strength` | (T,) | m of the emotion: from 0 up within 0.4 s (surprise 0.25 s), then steady |
| `eyes` | (T, 2, 2) | x, y in pixels of the actor's left eye (right in the picture); the other |
| `head` | (T, 3) | yaw to the actor's left, pitch up, roll to the left shoulder; degrees |
| `gaze` | (T, 2) | to the actor's left and up from the lens; degrees |
| `phones`, `phone_times` | (P,), (P, 2) | ARPAbet without stress, `sil` is silence; seconds |
| `recipe` | text | JSON: what was asked for, size, seed, version, SHA-256 of the media |

A clip begins with a silent, neutral face: frame 0 can serve as the neutral face of the clip. The
mouth follows the phones; while the actor speaks it shows 45 % of the emotion's mouth (70 % of its
corners). Blinks (26 a minute) and a slight sway of the head are drawn for each clip. All look into
the lens.
"""
PICTURE_FILES = """
A picture shows a still face: head upright, eyes on the lens and on the same two pixels of every
picture (`pictures/eyes.npz`). The column `attributes` holds the eyes in pixels and every facial
action that is not 0, exactly as drawn; the PNG says them too, in its text chunk.
"""
LABELS = """
## What the labels mean
- `emotion` and `intensity` are instructions, not judgements: prototype and strength m (0 to 1) by
  which face and voice were made. Nobody has rated these recordings; how people read them is for a
  study to show.
- `valence` and `arousal` are given where the face was made from them (`--plane`), and 0, 0 for
  neutral.
- `origin` names shape parameters of a mesh, and nobody's descent.
- Take 1 is the prototype. Further takes vary each facial action by 8 %, and the voice's rate, pitch
  and range by 3, 2 and 8 % (standard deviations).

## Limits
- Faces come from one mesh, emotions from one prototype each: networks that know only these know
  little of people. Test them on people's faces before you say anything about people.
- Voices are those of few synthetic sources in many timbres, made emotional by rules.
- One view, one light, one grey wall; no hands, tears or laughs, and the listed sentences only.
"""


def datasheet(clips: pd.DataFrame, request: Request) -> str:
    """The text, Markdown; the same for the same corpus."""
    what = "pictures" if request.still else "clips"
    minutes = clips.duration_s.sum() / 60
    long = f", {minutes:.1f} minutes" if minutes else ""
    lines = [
        f"# Datasheet: {len(clips):,} {what} of {clips.actor.nunique()} synthetic actors{long}",
        "",
        "Made by mien (`mien corpus make synthetic`). No person is shown or heard. CC0-1.0: show, "
        "print, change and share them. Who the actors are, and how they were made: "
        "stimuli/actors/DATASHEET.md and stimuli/voices/DATASHEET.md of mien.",
        "",
        "| setting | value |",
        "|---|---|",
        *(f"| {name} | {words(value)} |" for name, value in request.content().items()),
        f"| bytes | {int(clips['bytes'].sum()):,} |",
        "",
        "## Parts",
        "No actor is in two parts. The actors with the partition `held-out` are in `test`, those "
        "with `practice` in none: networks train on neither.",
        "",
        "| part | partition | actors | " + what + " |",
        "|---|---|---|---|",
        *_parts(clips),
        "",
        "## Files",
    ]
    files = PICTURE_FILES if request.still else CLIP_FILES
    return "\n".join(lines) + files + LABELS


def _parts(clips: pd.DataFrame) -> list[str]:
    rows = []
    groups = clips.groupby([clips.split.fillna("none"), "partition"])
    for (split, partition), group in groups:
        ids = sorted(group.actor.unique())
        rows.append(f"| {split} | {partition} | {', '.join(ids)} | {len(group):,} |")
    return rows
