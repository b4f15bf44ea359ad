// Everything that goes to the study's server and comes from it. A study without a server has a
// module of the same name in its place (experiments/static/player).

import { patiently, Refusal } from "./patience.js";

export { Refusal };

const TIMEOUT = 30000; // ms

/** What the address says about the participant. */
export const parameters = new URLSearchParams(location.search);

/** POST `body` to /api/`name` once. */
export async function post(name, body) {
  const response = await fetch(`api/${name}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    cache: "no-store",
    signal: AbortSignal.timeout(TIMEOUT),
  });
  if (response.ok) return response.json();
  if (response.status >= 500 || response.status === 429 || response.status === 408) {
    const wait = 1000 * Number(response.headers.get("retry-after")); // ms, if the server says so
    throw Object.assign(new Error(`status ${response.status}`), { wait });
  }
  throw new Refusal(response.status, await response.json().catch(() => ({})));
}

/** POST until the server answers; `trouble(tries)` hears of every failure. */
export function postPatiently(name, body, trouble) {
  return patiently(() => post(name, body), trouble);
}

/** POST while the page goes away, without waiting for an answer. */
export function beacon(name, body) {
  const blob = new Blob([JSON.stringify(body)], { type: "application/json" });
  navigator.sendBeacon(`api/${name}`, blob);
}

/** Name and content of the participant's own file of `answers`. */
export function copyOf(answers, study) {
  return { name: "my-answers.json", content: JSON.stringify({ study, answers }, null, 2) };
}
