// Stars and the reading record, in IndexedDB: whole papers, so that showing them asks the server for nothing.
import type { Listed } from "../../../../src/server/answers.ts";

/** What is kept of a paper. */
export interface Entry {
  readonly id: string;
  readonly paper: Listed;
  /** When it was starred and read, in milliseconds; absent if it was not. */
  readonly starredAt?: number;
  readonly readAt?: number;
}

/** Where entries are kept. */
export interface Database {
  all(): Promise<Entry[]>;
  put(entries: readonly Entry[]): Promise<void>;
  remove(id: string): Promise<void>;
  clear(): Promise<void>;
}

const name = "athanor-papers";
const table = "entries";

function finished(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.addEventListener("complete", () => resolve());
    transaction.addEventListener("error", () =>
      reject(transaction.error ?? new Error("database: the transaction failed")),
    );
    transaction.addEventListener("abort", () =>
      reject(transaction.error ?? new Error("database: the transaction was given up")),
    );
  });
}

function result<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.addEventListener("success", () => resolve(request.result));
    request.addEventListener("error", () =>
      reject(request.error ?? new Error("database: the request failed")),
    );
  });
}

async function open(): Promise<IDBDatabase> {
  const request = indexedDB.open(name, 1);
  request.addEventListener("upgradeneeded", () => request.result.createObjectStore(table, { keyPath: "id" }));
  return await result(request);
}

function durable(database: IDBDatabase): Database {
  const write = async (change: (store: IDBObjectStore) => void): Promise<void> => {
    const transaction = database.transaction(table, "readwrite");
    change(transaction.objectStore(table));
    await finished(transaction);
  };
  return {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only this file writes the table
    all: async () => (await result(database.transaction(table).objectStore(table).getAll())) as Entry[],
    put: (entries) => write((store) => entries.forEach((entry) => store.put(entry))),
    remove: (id) => write((store) => store.delete(id)),
    clear: () => write((store) => store.clear()),
  };
}

/** For browsers that forbid storage: lasts as long as the page. */
function passing(): Database {
  return { all: async () => [], put: async () => {}, remove: async () => {}, clear: async () => {} };
}

/** Opens the database, or one that forgets where the browser allows none. */
export async function openDatabase(): Promise<Database> {
  try {
    return durable(await open());
  } catch {
    return passing();
  }
}
