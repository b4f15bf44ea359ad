// DataPipe: nothing until the end, then the whole session in one POST, which becomes one file in
// the researcher's own storage. https://pipe.jspsych.org/api-docs

import { oneOf } from "./chance.js";
import { Refusal } from "./patience.js";
import { study } from "./study.js";

const TIMEOUT = 60000; // ms
const STORED_BEFORE = ["FILE_EXISTS", "OSF_FILE_EXISTS"]; // an earlier try arrived, its reply did not

/** What the address says about the participant. */
export async function arrived() {
  return new URLSearchParams(location.search);
}

/** A place by chance: of list `wanted` (from 1), or of a list by chance. `lists`: their places. */
export async function draw(lists, wanted) {
  return oneOf(wanted ? lists[wanted - 1] : oneOf(lists));
}

export async function append() {}

/** Hand the session over; resolves once DataPipe says that it has it. */
export async function finish(name, records) {
  const { address, experiment } = study.datapipe;
  const response = await fetch(address, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "*/*" },
    body: JSON.stringify({ experimentID: experiment, filename: `${name}.json`, data: textOf(records) }),
    signal: AbortSignal.timeout(TIMEOUT),
  });
  if (response.ok) return; // 201: stored; 202: DataPipe has it and goes on trying to store it
  const { error } = await response.json().catch(() => ({}));
  if (STORED_BEFORE.includes(error)) return;
  if (response.status !== 400) throw new Error(`status ${response.status}`);
  throw new Refusal(400, { reason: error ?? "DataPipe refuses" });
}

/** Who withdraws has sent nothing yet. */
export async function withdraw() {}

export async function gone() {}

/** A session as JSON, one record on each line. */
export function textOf(records) {
  return `[\n${records.map((record) => JSON.stringify(record)).join(",\n")}\n]\n`;
}
