// Media are fetched a few at a time, tried again until they are there, and kept as blobs, so that
// no trial waits for the network.

const AT_ONCE = 6;
const LONGEST_WAIT = 20000; // ms between two tries
const SLOW_AFTER = 15000; // ms until the page says that the connection is slow

export class Preload {
  /** `media`: what the server told of each stimulus, in the order of need. */
  constructor(media) {
    const sources = media.filter(Boolean).flatMap((one) => [one.src, one.picture?.src]);
    this.sources = [...new Set(sources.filter(Boolean))];
    this.blobs = new Map();
    this.listeners = new Set();
    const queue = [...this.sources];
    const worker = async () => {
      for (let src = queue.shift(); src; src = queue.shift()) await this.#fetch(src);
    };
    this.done = Promise.all(Array.from({ length: AT_ONCE }, worker));
  }

  get share() {
    return this.sources.length ? this.blobs.size / this.sources.length : 1;
  }

  /** Address of the medium in memory. */
  url(src) {
    return this.blobs.get(src);
  }

  /** Call `progress(share)` until all is there; `slow()` once if that takes long. */
  async watch(progress, slow) {
    const timer = setTimeout(slow, SLOW_AFTER);
    this.listeners.add(progress);
    progress(this.share);
    await this.done;
    clearTimeout(timer);
    this.listeners.delete(progress);
  }

  async #fetch(src) {
    for (let wait = 500; ; wait = Math.min(2 * wait, LONGEST_WAIT)) {
      try {
        const response = await fetch(src);
        if (!response.ok) throw new Error(`status ${response.status}`);
        this.blobs.set(src, URL.createObjectURL(await response.blob()));
        this.listeners.forEach((progress) => progress(this.share));
        return;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, wait));
      }
    }
  }
}
