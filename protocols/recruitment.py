"""Where participants come from, how many, what they are paid, and what they are told at the end."""

from __future__ import annotations

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, field_validator, model_validator

from protocols.section import Markdown, Section, Words, fail

CODE = re.compile(r"^[A-Za-z0-9_-]{1,64}$")
PARAMETER = re.compile(r"^[A-Za-z][A-Za-z0-9_-]{0,39}$")
HERE = ("localhost", "127.0.0.1", "::1")  # addresses of this computer, where HTTPS is not needed
ID = "{id}"  # in a panel's address: the participant's id
ATTENTION_PAIRS_FROM = 5  # minutes from which Prolific wants two failed checks before it counts


def _address(value: object) -> object:
    if not isinstance(value, str):
        return value
    parts = urlsplit(value)
    secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in HERE)
    if not secure or not parts.hostname or re.search(r"[\s<>\"'\\]", value):
        raise fail(f"found {value!r}; accepted: an address that begins with https://")
    return value


def _plain_code(code: str | None) -> str | None:
    if code is not None and not CODE.match(code):
        raise fail(f"found {code!r}; accepted: 1 to 64 letters, digits, _ and -")
    return code


Address = Annotated[str, BeforeValidator(_address)]


class Codes(Section):
    """Completion codes of the platform; each way out of the study has its own.

    Attributes:
        completed: given only when every answer is stored.
        no_consent: to who does not agree.
        screened_out: to who has no fitting device.
        failed_attention: in place of `completed`, to who misses attention checks; see
            `Recruitment.failures_needed`. They are paid or asked to return by hand, never rejected
            by mien.
        over_quota: to who comes when every place is taken.
    """

    completed: str | None = None
    no_consent: str | None = None
    screened_out: str | None = None
    failed_attention: str | None = None
    over_quota: str | None = None

    _plain = field_validator("*")(_plain_code)

    @model_validator(mode="after")
    def _all_different(self) -> Codes:
        given = [code for code in self.model_dump().values() if code is not None]
        if len(given) > len(set(given)):
            raise fail("two ways out have the same code; give each its own")
        return self


class Pay(Section):
    """What participants get.

    Attributes:
        hourly: for an hour of work; with `minutes` it gives the reward.
        currency: of the platform's account.
        screened_out: fixed reward of who is screened out, where the platform pays one.
    """

    hourly: float = Field(gt=0, le=1000)
    currency: Literal["GBP", "USD", "EUR"] = "GBP"
    screened_out: float | None = Field(default=None, gt=0, le=100)


class Panel(Section):
    """A panel that sends people with an id in the address and takes them back.

    Attributes:
        parameter: name of the id in the study's address, such as id, survey_code or tic.
        completed: where who has finished goes; `{id}` stands for the participant's id.
        no_consent: who does not agree.
        screened_out: who has no fitting device.
        failed_attention: who misses attention checks; left out: as `completed`.
        over_quota: who comes when every place is taken.
    """

    parameter: str = "id"
    completed: Address | None = None
    no_consent: Address | None = None
    screened_out: Address | None = None
    failed_attention: Address | None = None
    over_quota: Address | None = None

    @field_validator("parameter")
    @classmethod
    def _plain(cls, name: str) -> str:
        if not PARAMETER.match(name) or name == "token":
            raise fail(f"found {name!r}; accepted: a letter, then letters, digits, _ and -")
        return name

    @field_validator("completed", "no_consent", "screened_out", "failed_attention", "over_quota")
    @classmethod
    def _id_only_after_the_host(cls, address: str | None) -> str | None:
        if address is None:
            return None
        if ID in urlsplit(address).netloc or set(re.findall(r"\{\w*\}", address)) - {ID}:
            raise fail(f"found {address!r}; the only gap is {ID}, after the name of the host")
        return address


class Recruitment(Section):
    """Platform and quotas, counted in *valid* participants: an excluded one makes room.

    Attributes:
        platform: prolific, mturk, panel (any panel that puts an id into the address), link (any
            web link) or lab.
        per_list: valid participants wanted on each list.
        prescreening: what the platform filters on, for its form and for the method section.
        codes: completion codes.
        block: ids of studies whose participants may not take part.
        minutes: expected duration, shown on the consent page.
        pay: what participants get.
        title: of the study on the platform; must not tell the hypothesis. Left out: a neutral one.
        description: on the platform; must not tell the hypothesis. Left out: made from the tasks.
        address: where participants find the study, such as https://study.example.org/.
        signed: whether the link must be signed: `prolific` (by Prolific), `links` (by mien, see
            `mien recruit links`), or `none`.
        panel: parameter and addresses of a panel.
    """

    platform: Literal["prolific", "mturk", "panel", "link", "lab"] = "link"
    per_list: int = Field(default=10, ge=1, le=100_000)
    prescreening: dict[str, Words | int | float | bool | tuple[Words | int | float, ...]] = {}
    codes: Codes = Codes()
    block: tuple[Words, ...] = ()
    minutes: int | None = Field(default=None, ge=1, le=600)
    pay: Pay | None = None
    title: Words | None = None
    description: Markdown | None = None
    address: Address | None = None
    signed: Literal["none", "prolific", "links"] = "none"
    panel: Panel = Panel()

    @model_validator(mode="after")
    def _signatures_fit(self) -> Recruitment:
        if self.signed == "prolific" and self.platform != "prolific":
            raise fail(f"Prolific signs its own links only, not those of {self.platform}", "signed")
        if self.signed == "prolific" and self.address is None:
            raise fail("Prolific's signature names the study's address; add recruitment.address",
                       "signed")  # fmt: skip
        if self.signed == "links" and self.platform not in ("panel", "link", "lab"):
            raise fail(f"{self.platform} makes the links itself; accepted with it: none", "signed")
        return self

    @property
    def failures_needed(self) -> int:
        """Failed attention checks from which the code `failed_attention` is given.

        Prolific's policy: two in studies of five minutes and longer, one in shorter ones.
        """
        return 2 if (self.minutes or ATTENTION_PAIRS_FROM) >= ATTENTION_PAIRS_FROM else 1
