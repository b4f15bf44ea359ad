// The browser's storage for one visit, in IndexedDB: read whole when it is opened, kept in memory,
// and every change written through. Where storage is switched off, memory serves until the tab is
// closed.

const DATABASE = "mien";
const STORE = "shelves"; // [shelf, key] -> value
const LONGEST_WAIT = 5000; // ms for a browser that never opens its storage

export class Shelf {
  /** The shelf called `name`, with everything that stands on it. */
  static async open(name) {
    const database = await opened;
    const content = database ? await read(database, name).catch(() => new Map()) : new Map();
    return new Shelf(name, database, content);
  }

  constructor(name, database, content) {
    this.name = name;
    this.database = database;
    this.content = content;
    this.writing = Promise.resolve();
  }

  get(key) {
    return this.content.get(key);
  }

  /** The values of all keys that begin with `start`. */
  all(start) {
    return [...this.content].filter(([key]) => key.startsWith(start)).map(([, value]) => value);
  }

  set(key, value) {
    this.content.set(key, value);
    this.#write((store) => store.put(value, [this.name, key]));
  }

  delete(...keys) {
    keys.forEach((key) => this.content.delete(key));
    this.#write((store) => keys.forEach((key) => store.delete([this.name, key])));
  }

  /** Remove what stands under keys that begin with `start`; without it, everything. */
  clear(start = "") {
    this.delete(...[...this.content.keys()].filter((key) => key.startsWith(start)));
  }

  /** Resolves when every change so far is on the disk. */
  written() {
    return this.writing;
  }

  #write(change) {
    if (!this.database) return;
    const done = new Promise((resolve) => {
      try {
        const options = { durability: "strict" }; // on the disk, not in its cache
        const transaction = this.database.transaction(STORE, "readwrite", options);
        transaction.oncomplete = resolve;
        transaction.onabort = resolve; // a full disk: memory still holds it
        change(transaction.objectStore(STORE));
      } catch {
        resolve(); // the browser has closed its storage
      }
    });
    this.writing = Promise.all([this.writing, done]);
  }
}

const late = new Promise((resolve) => setTimeout(resolve, LONGEST_WAIT, null));
const opened = Promise.race([openDatabase().catch(() => null), late]);

async function openDatabase() {
  const request = indexedDB.open(DATABASE, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE);
  return resultOf(request);
}

/** Key -> value of one shelf. */
async function read(database, name) {
  const range = IDBKeyRange.bound([name], [name, []]); // an array comes after every word
  const store = database.transaction(STORE).objectStore(STORE);
  const [keys, values] = await Promise.all([
    resultOf(store.getAllKeys(range)),
    resultOf(store.getAll(range)),
  ]);
  return new Map(keys.map(([, key], place) => [key, values[place]]));
}

function resultOf(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
