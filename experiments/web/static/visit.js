// One participant's visit: who it is, where it stands, and what is still to be sent.

import { cameIn, randomWord } from "./address.js";
import { Queue } from "./queue.js";
import { copyOf, parameters, postPatiently } from "./server.js";
import { Shelf } from "./shelf.js";
import { study } from "./study.js";

export class Visit {
  /** The visit of who opened the page, as far as this browser knows it. */
  static async open(changed) {
    const external = parameters.get(study.parameter);
    return new Visit(external, await Shelf.open(`mien-${study.id}-${external ?? ""}`), changed);
  }

  constructor(external, shelf, changed) {
    this.external = external;
    this.shelf = shelf;
    this.queue = new Queue(shelf, changed);
    if (!shelf.get("first")) shelf.set("first", Date.now());
  }

  /** When the first page was opened, in ms since 1970. */
  get first() {
    return this.shelf.get("first");
  }

  /** A random word that only this browser knows: a signed link serves one browser. */
  get own() {
    if (!this.shelf.get("own")) this.shelf.set("own", randomWord());
    return this.shelf.get("own");
  }

  get known() {
    return Boolean(this.shelf.get("token"));
  }

  /** Consent was given: get a place, or the one held before. */
  async start(device) {
    const who = { ...(this.external && { external: this.external }), ...cameIn(this) };
    const session = await postPatiently("start", { agree: true, device, ...who });
    this.shelf.set("token", session.token);
    return session;
  }

  /** What the server holds of this visit, after sending what was left over. */
  async resume() {
    await this.queue.drained();
    return postPatiently("resume", { token: this.shelf.get("token") });
  }

  /**
   * Store every answer and end the visit: code and address for the end. `trouble()` hears of lost
   * connections; throws a refusal while answers are missing.
   */
  async close(trouble) {
    await this.queue.drained();
    return postPatiently("complete", { token: this.shelf.get("token") }, trouble);
  }

  async withdraw() {
    await postPatiently("withdraw", { token: this.shelf.get("token") });
    this.queue.clear();
    await this.shelf.written();
  }

  /** Forget who was here; the browser stays the one that a signed link serves. */
  forget() {
    const kept = ["first", "own"].map((key) => [key, this.shelf.get(key)]);
    this.shelf.clear();
    kept.forEach(([key, value]) => value && this.shelf.set(key, value));
  }

  /** Offer everything answered in this browser as a file. */
  download() {
    const { name, content } = copyOf(this.queue.everything, study.id);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([content], { type: "application/json" }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }
}
