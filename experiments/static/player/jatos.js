// JATOS: every answer is appended to the run's result data as it comes, and at the end the whole
// session takes their place. https://www.jatos.org/jatos.js-Reference.html

/* global jatos */

import { oneOf } from "./chance.js";

const NEXT = "mien-next"; // in the batch session: how many have drawn a place
const PATIENCE = 30000; // ms to draw one, while others draw too

/** Resolves when jatos.js is ready: what the study's link said about the participant. */
export async function arrived() {
  await new Promise((ready) => jatos.onLoad(ready));
  return new URLSearchParams(jatos.urlQueryParameters ?? {});
}

/**
 * The next place: of the lists in turn, or of list `wanted` (from 1); by chance where the batch
 * session cannot be reached. `lists`: their places.
 */
export async function draw(lists, wanted) {
  const name = wanted ? `${NEXT}-${wanted}` : NEXT;
  const turns = wanted ? [lists[wanted - 1]] : lists;
  const until = Date.now() + PATIENCE;
  while (Date.now() < until) {
    try {
      const before = jatos.batchSession.get(name) ?? 0;
      await jatos.batchSession.set(name, before + 1); // refused if somebody was quicker
      const turn = turns[before % turns.length];
      return turn[Math.floor(before / turns.length) % turn.length];
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 100 + 400 * Math.random()));
    }
  }
  return oneOf(oneOf(turns));
}

export async function append(records) {
  if (records.length) await jatos.appendResultData(textOf(records));
}

/** Put the whole session in the place of what was appended, and end the run. */
export async function finish(name, records) {
  await jatos.submitResultData(textOf(records));
  await ended(() => jatos.endStudyAjax(true));
}

/** Overwrite the answers with the record that says so. */
export async function withdraw(records) {
  await jatos.submitResultData(textOf(records));
}

/** Who has withdrawn is told so on this page: let JATOS delete what is left of the run. */
export async function gone() {
  await ended(() => jatos.abortStudyAjax("withdrawn"));
}

/** A session as lines of JSON, so that what is appended and what JATOS joins stays readable. */
export function textOf(records) {
  return records.map((record) => `${JSON.stringify(record)}\n`).join("");
}

/** The data are stored already: a run that cannot be closed is none of the participant's worries. */
async function ended(close) {
  try {
    await close();
  } catch {
    // JATOS shows the run as unfinished
  }
}
