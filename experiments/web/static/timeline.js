// The timeline of what is still to do, from what the server told.

import { fieldOf } from "./forms.js";
import { elementsOf } from "./media.js";
import { PagePlugin } from "./page.js";
import { RatingPlugin } from "./rating.js";
import { answersTo, questionsNamed, questionsOf, say, study } from "./study.js";

const GAP = 300; // ms of empty ground between trials

/** jsPsych trials from the instructions to the questionnaire, without what is done already. */
export function timelineOf(session, visit, preload, progress) {
  const open = session.trials.filter((trial) => trial.done.length < trial.questions.length);
  const afresh = session.trials.every((trial) => !trial.done.length);
  const timeline = afresh ? instructions(session, preload) : [];
  if (open.length) timeline.push(loading(preload));
  let practising = false;
  let counted = false;
  for (const [place, trial] of open.entries()) {
    if (trial.practice && !practising) timeline.push(page("practice"));
    if (!trial.practice && !counted && (afresh || practising)) timeline.push(page("ready"));
    if (trial.pause && place) timeline.push(pause(trial, session));
    practising ||= trial.practice;
    counted ||= !trial.practice;
    timeline.push({
      type: RatingPlugin,
      planned: trial,
      visit,
      preload,
      post_trial_gap: GAP,
      on_start: () => progress(session.trials.indexOf(trial) / session.trials.length),
    });
  }
  const asked = questionsOf(study.questionnaire).filter((id) => !session.questionnaire_done.includes(id));
  if (asked.length) timeline.push(questionnaire(asked, visit, progress));
  return timeline;
}

const page = (name, fill = null) => ({ type: PagePlugin, page: name, fill });

function instructions(session, preload) {
  const pages = Array.from({ length: study.instructions }, (_, n) => page(`instructions-${n + 1}`));
  if (session.examples.length) pages.push(loading(preload), examples(session, preload));
  return pages;
}

function loading(preload) {
  const wait = page("loading", async (waiting, finish) => {
    const bar = waiting.find("[data-progress]");
    await preload.watch((share) => (bar.value = share), () => waiting.show("slow"));
    finish();
  });
  return { timeline: [wait], conditional_function: () => preload.share < 1 };
}

function examples(session, preload) {
  return page("familiarisation", (shown, finish) => {
    for (const { label, media } of session.examples) {
      const group = document.createElement("section");
      const heading = document.createElement("h2");
      heading.textContent = label;
      const row = document.createElement("div");
      row.className = "example-row";
      for (const medium of media) {
        const { box, player } = elementsOf(medium, preload);
        if (player) offerToPlay(box, player, label);
        box.classList.add("example");
        row.append(box);
      }
      group.append(heading, row);
      shown.place("examples").append(group);
    }
    shown.on("continue", () => finish("continue"));
  });
}

/** A button below a film, where a browser's own controls would hide a small face; one plays at a time. */
function offerToPlay(box, player, label) {
  if (player.tagName !== "VIDEO") {
    player.controls = true;
    return;
  }
  const button = document.createElement("button");
  button.type = "button";
  button.className = "quiet";
  button.textContent = say("play");
  button.setAttribute("aria-label", `${say("play")}: ${label}`);
  button.addEventListener("click", () => {
    for (const other of document.querySelectorAll(".example video")) other.pause();
    player.currentTime = 0;
    player.play();
  });
  box.append(button);
}

function pause(trial, session) {
  return page("pause", (resting, finish) => {
    const counting = session.trials.filter((one) => !one.practice);
    resting.fill("so-far", say("so_far", { done: counting.indexOf(trial), all: counting.length }));
    resting.on("continue", () => finish("continue"));
  });
}

function questionnaire(asked, visit, progress) {
  return page("questionnaire", (form, finish) => {
    progress(1);
    const fields = questionsNamed(asked, study.questionnaire).map((one) => fieldOf(one));
    form.place("questions").append(...fields.map(({ field }) => field));
    form.place("questions").addEventListener("change", () => form.show("missing", false));
    form.on("continue", () => {
      const missing = fields.filter(({ read }) => read() === null);
      form.show("missing", missing.length > 0);
      if (missing.length) {
        missing[0].field.querySelector('input, textarea, [tabindex="0"]').focus();
        return;
      }
      visit.queue.push(fields.flatMap(({ question, read }) => answersTo(question, read())));
      finish("continue");
    });
  });
}
