// Questions answered with one click or one number key: scales and choices.

import { say, study } from "./study.js";

const MOST_IN_A_ROW = 6;

/**
 * Ask in `box`; resolves with {choice, at, by}: place from 1 (0: no second choice; null: skipped),
 * moment of the answer in ms of performance.now(), and key or pointer.
 * `taken`: the first choice, which the second one leaves out.
 */
export function askScale(question, box, taken) {
  const { task, second } = question;
  const heading = document.createElement("h1");
  heading.id = `asked-${question.id}`;
  heading.tabIndex = -1;
  heading.textContent = question.words;
  const group = document.createElement("div");
  group.setAttribute("role", "group");
  group.setAttribute("aria-labelledby", heading.id);
  const answers = task.type === "likert" ? likert(task, group) : choices(task, group, second, taken);
  box.replaceChildren(heading, group);
  if (!task.required && !second) answers.push(skip(box));
  heading.dataset.first = "";
  focusIn(box);
  return new Promise((resolve) => {
    const choose = (answer, event, by) => {
      removeEventListener("keydown", press);
      answers.forEach(({ button }) => (button.disabled = true));
      answer.button.classList.add("chosen");
      resolve({ choice: answer.choice, at: event.timeStamp, by });
    };
    const press = (event) => {
      if (event.repeat || event.ctrlKey || event.altKey || event.metaKey) return;
      if (event.target.closest?.("dialog[open]")) return;
      const answer = answers.find(({ key }) => key === event.key);
      if (answer) choose(answer, event, "key");
    };
    addEventListener("keydown", press);
    answers.forEach((answer) =>
      answer.button.addEventListener("click", (event) => choose(answer, event, "pointer")),
    );
  });
}

/** A row of numbered buttons with its anchors below. */
function likert(task, group) {
  group.className = "scale";
  const answers = [];
  for (let n = 1; n <= task.points; n += 1) {
    const anchor = task.anchors[n];
    const button = answerButton(String(n));
    const place = say("of", { n, all: task.points });
    button.setAttribute("aria-label", anchor ? `${place}, ${anchor}` : place);
    group.append(button);
    if (anchor) group.append(anchorAt(n, task.points, anchor));
    answers.push({ button, choice: n, key: keyFor(n) });
  }
  return answers;
}

function anchorAt(n, points, words) {
  const anchor = document.createElement("span");
  anchor.className = n === 1 ? "anchor first" : n === points ? "anchor last" : "anchor";
  anchor.setAttribute("aria-hidden", "true"); // the button's own name says it
  const reach = Math.max(1, Math.floor(points / 3));
  if (n === 1) anchor.style.gridColumn = `1 / span ${reach}`;
  else if (n === points) anchor.style.gridColumn = `${points - reach + 1} / span ${reach}`;
  else anchor.style.gridColumn = String(n);
  anchor.textContent = words;
  return anchor;
}

/** One button for each option; keys count the buttons that are there. */
function choices(task, group, second, taken) {
  group.className = "choices";
  const labels = task.options ?? task.labels;
  const offered = labels
    .map((label, place) => ({ label, choice: place + 1 }))
    .filter(({ choice }) => !second || choice !== taken);
  if (second) offered.push({ label: say("none"), choice: 0 });
  const rows = task.options ? Math.ceil(offered.length / MOST_IN_A_ROW) : 1; // a scale keeps to one row
  group.style.gridTemplateColumns = `repeat(${Math.ceil(offered.length / rows)}, minmax(0, 10rem))`;
  return offered.map(({ label, choice }, place) => {
    const button = answerButton(label);
    const key = keyFor(place + 1);
    if (key) button.prepend(hint(key));
    group.append(button);
    return { button, choice, key };
  });
}

function skip(box) {
  const button = answerButton(say("skip"));
  button.classList.add("skip");
  box.append(button);
  return { button, choice: null, key: undefined };
}

function answerButton(words) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "answer";
  button.append(words);
  return button;
}

function hint(key) {
  const hint = document.createElement("kbd");
  hint.setAttribute("aria-hidden", "true");
  hint.textContent = key;
  return hint;
}

const keyFor = (n) => (n <= 9 ? String(n) : undefined);

/** The focus goes to where a question begins. */
export const focusIn = (box) => box.querySelector("[data-first]")?.focus({ preventScroll: true });

/** Whether one click answers `task`. */
export const isScale = (task) => study.one_click.includes(task.type);
