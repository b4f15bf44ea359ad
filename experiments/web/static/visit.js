// One participant's visit: who it is, where it stands, and what is still to be sent.

import { Queue } from "./queue.js";
import { postPatiently } from "./server.js";
import { Shelf } from "./shelf.js";
import { study } from "./study.js";

export class Visit {
  constructor(changed) {
    this.external = new URLSearchParams(location.search).get(study.parameter);
    this.shelf = new Shelf(`mien-${study.id}-${this.external ?? ""}`);
    this.queue = new Queue(this.shelf, changed);
    if (!this.shelf.get("first")) this.shelf.set("first", Date.now());
  }

  /** When the first page was opened, in ms since 1970. */
  get first() {
    return this.shelf.get("first");
  }

  get known() {
    return Boolean(this.shelf.get("token"));
  }

  /** Consent was given: get a place, or the one held before. */
  async start(device) {
    const body = { agree: true, device, ...(this.external && { external: this.external }) };
    const session = await postPatiently("start", body);
    this.shelf.set("token", session.token);
    return session;
  }

  /** What the server holds of this visit, after sending what was left over. */
  async resume() {
    await this.queue.drained();
    return postPatiently("resume", { token: this.shelf.get("token") });
  }

  /** Code and address for the end; throws a refusal while answers are missing. */
  complete() {
    return postPatiently("complete", { token: this.shelf.get("token") });
  }

  async withdraw() {
    await postPatiently("withdraw", { token: this.shelf.get("token") });
    this.shelf.set("waiting", []);
  }

  forget() {
    const first = this.first;
    this.shelf.clear();
    this.shelf.set("first", first);
  }

  /** Offer everything answered in this browser as a file. */
  download() {
    const content = JSON.stringify({ study: study.id, answers: this.queue.everything }, null, 2);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([content], { type: "application/json" }));
    link.download = "my-answers.json";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }
}
