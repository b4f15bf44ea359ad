// Times in milliseconds. Onsets count from the first page of the visit, also after a reload.

/** Milliseconds from the first page (`first`, since 1970) to the moment `t` of performance.now(). */
export function sinceFirstPage(first, t) {
  return performance.timeOrigin + t - first;
}

/** The moment of the next frame that the screen shows. */
export function nextFrame() {
  return new Promise((resolve) => requestAnimationFrame(resolve));
}

/** Adds up how long the page was hidden since this was made; `changed(hidden)` is told. */
export class HiddenTime {
  constructor(changed = () => {}) {
    this.total = 0;
    this.since = document.hidden ? performance.now() : null;
    this.listen = () => {
      if (document.hidden) this.since = performance.now();
      else if (this.since !== null) {
        this.total += performance.now() - this.since;
        this.since = null;
      }
      changed(document.hidden);
    };
    document.addEventListener("visibilitychange", this.listen);
  }

  ms() {
    return this.total + (this.since === null ? 0 : performance.now() - this.since);
  }

  stop() {
    document.removeEventListener("visibilitychange", this.listen);
  }
}
