// One trial as a jsPsych plugin: the stimulus, and below it its questions one after the other. The
// stimulus stays in view until the last is answered, so each response time counts from its onset.

import { HiddenTime, sinceFirstPage } from "./clock.js";
import { fieldOf } from "./forms.js";
import { askGrid } from "./grid.js";
import { elementsOf, present } from "./media.js";
import { askScale, focusIn, isScale } from "./scales.js";
import { answersTo, questionsNamed, study } from "./study.js";

const { ParameterType } = jsPsychModule;

export class RatingPlugin {
  static info = {
    name: "mien-rating",
    version: "1.0.0",
    parameters: {
      /** What the server told of the trial. */
      planned: { type: ParameterType.OBJECT },
      visit: { type: ParameterType.OBJECT },
      preload: { type: ParameterType.OBJECT },
    },
    data: {},
  };

  constructor(jsPsych) {
    this.jsPsych = jsPsych;
  }

  async trial(display, { planned, visit, preload }) {
    const trial = element("div", "trial waiting");
    const box = element("div", "question");
    const stimulus = planned.medium ? elementsOf(planned.medium, preload) : noStimulus();
    trial.append(stimulus.box);
    if (planned.instruction) {
      const instruction = element("p", "instruction");
      instruction.textContent = planned.instruction;
      trial.append(instruction);
    }
    trial.append(box);
    display.replaceChildren(trial);
    let note = () => {};
    const hidden = new HiddenTime((now) => note(now ? "hidden" : "visible"));
    const ask = this.#asker(planned, box, visit);
    trial.classList.toggle("beside", ask.beside);
    // a picture and its question appear in one frame; a video's question comes when it is over
    let first = stimulus.player ? null : ask.prepare();
    const shown = await present(stimulus, () => {
      trial.classList.remove("waiting");
      focusIn(box); // what is not seen yet cannot have the focus
    });
    note = shown.note;
    await shown.ended;
    first ??= ask.prepare();
    await ask.rest(first, (answer) => ({
      said: answer.said,
      rt_ms: round(answer.at - shown.onset),
      onset_ms: round(sinceFirstPage(visit.first, shown.onset)),
      hidden_ms: round(hidden.ms()),
      details: {
        by: answer.by, events: shown.events, ratio: devicePixelRatio,
        refresh_hz: visit.refreshHz, ...shown.measured(),
      },
    }));
    hidden.stop();
    this.jsPsych.finishTrial({ trial: planned.trial });
  }

  /** Asks the questions that are still open, and hands each answer on as soon as it is given. */
  #asker(planned, box, visit) {
    const missing = planned.questions.filter((id) => !planned.done.includes(id));
    const open = questionsNamed(missing);
    const before = visit.queue.everything.filter(({ trial }) => trial === planned.trial);
    let taken = before.find(({ question }) => question + study.second === open[0].id)?.choice; // first choice
    const put = (question) =>
      isScale(question.task)
        ? askScale(question, box, taken).then(({ choice, at, by }) => {
            if (!question.second) taken = choice;
            return { said: choice === null ? {} : { choice }, at, by };
          })
        : question.task.type === "affect-grid"
          ? askGrid(question, box).then(({ place, at, by }) => ({ said: place ? { place } : {}, at, by }))
          : askForm(question, box);
    return {
      beside: open.some(({ task }) => task.type === "affect-grid"), // too high to stand below
      prepare: () => put(open[0]),
      rest: async (first, measured) => {
        for (const [place, question] of open.entries()) {
          const answer = await (place ? put(question) : first);
          const { said, ...rest } = measured(answer);
          const told = answersTo(question, said).filter((one) => missing.includes(one.question));
          visit.queue.push(told.map((one) => ({ trial: planned.trial, ...one, ...rest })));
        }
      },
    };
  }
}

/** Boxes or free text, with a Continue button. */
function askForm(question, box) {
  const { field, read } = fieldOf(question, "h1");
  const template = document.getElementById("page-instructions-1").content;
  const button = template.querySelector('[data-action="continue"]').cloneNode(true);
  const ready = () => (button.disabled = read() === null);
  box.replaceChildren(field, button);
  field.addEventListener("input", ready);
  field.addEventListener("change", ready);
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.type === "range" && !button.disabled) button.click();
  });
  ready();
  field.querySelector("input, textarea").dataset.first = "";
  focusIn(box);
  return new Promise((resolve) => {
    button.addEventListener("click", (event) => {
      resolve({ said: read(), at: event.timeStamp, by: event.detail ? "pointer" : "key" });
    });
  });
}

function noStimulus() {
  return { box: element("div", "stimulus"), images: [], player: null };
}

function element(tag, names) {
  const made = document.createElement(tag);
  made.className = names;
  return made;
}

const round = (ms) => Math.max(0, Math.round(ms * 10) / 10);
