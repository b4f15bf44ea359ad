// The browser's storage for one visit: token, answers on their way, moment of the first page.
// Where storage is switched off, memory serves until the tab is closed.

export class Shelf {
  constructor(name) {
    this.name = name;
    this.content = this.#read();
  }

  get(key) {
    return this.content[key];
  }

  set(key, value) {
    this.content[key] = value;
    try {
      localStorage.setItem(this.name, JSON.stringify(this.content));
    } catch {
      // private windows may refuse; the answers are still sent
    }
  }

  clear() {
    this.content = {};
    try {
      localStorage.removeItem(this.name);
    } catch {
      // nothing was stored
    }
  }

  #read() {
    try {
      return JSON.parse(localStorage.getItem(this.name)) ?? {};
    } catch {
      return {};
    }
  }
}
