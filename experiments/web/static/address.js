// What the platform has written into the study's address, and the ways back to it.

import { parameters } from "./server.js";
import { study } from "./study.js";

const { entry, mturk } = study;

/** Whether the study is only looked at: Mechanical Turk shows it before the work is accepted. */
export const preview = Boolean(mturk) && parameters.get("assignmentId") === mturk.preview;

/** What the server needs to know of how `visit` came in, beside the participant's id. */
export function cameIn(visit) {
  const named = Object.entries(entry).map(([what, name]) => [what, name && parameters.get(name)]);
  const found = Object.fromEntries(named.filter(([, value]) => value));
  return found.signature ? { ...found, visit: visit.own } : found;
}

/** A random word that tells one browser's visit from another's. */
export function randomWord() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Where who leaves by `way` goes; the participant's id fills the gap in a panel's address. */
export function wayBack(way, external) {
  return study.redirects[way]?.replaceAll("{id}", encodeURIComponent(external ?? "")) ?? null;
}

/** Where Mechanical Turk takes the finished work, and which work it is; null elsewhere. */
export function handIn(code) {
  const server = mturk?.submits_to.find((one) => one === originOf(parameters.get("turkSubmitTo")));
  const assignmentId = parameters.get("assignmentId");
  if (!server || !assignmentId) return null;
  return { action: `${server}/mturk/externalSubmit`, fields: { assignmentId, code } };
}

function originOf(address) {
  try {
    return new URL(address).origin;
  } catch {
    return null;
  }
}
