/** What outlives the page, an IndexedDB database for each account: messages not yet sent, and the rooms last seen. */
import type { Entry } from './entries'
import type { RoomState } from './types'

/** Some browsers leave a request without an answer; the page must not wait for it. */
const patienceMs = 3_000

export interface Storage {
  /** Whether other tabs see the same. */
  readonly shared: boolean
  entries(): Promise<Entry[]>
  putEntry(entry: Entry): Promise<unknown>
  deleteEntry(order: string): Promise<unknown>
  room(room_id: number): Promise<RoomState | undefined>
  rooms(): Promise<RoomState[]>
  putRoom(room: RoomState): Promise<unknown>
  clear(): Promise<unknown>
  close(): void
}

export async function openStorage(account: string): Promise<Storage> {
  try {
    return indexedStorage(await open(`frontdesk.${account}`))
  } catch {
    return noStorage
  }
}

/** A promise that does not stay open for ever. */
function inTime<T>(run: (done: (value: T) => void, fail: (why: unknown) => void) => void): Promise<T> {
  return new Promise((done, fail) => {
    setTimeout(fail, patienceMs)
    run(done, fail)
  })
}

const open = (name: string) =>
  inTime<IDBDatabase>((done, fail) => {
    const request = indexedDB.open(name, 1)
    request.onupgradeneeded = () => {
      request.result.createObjectStore('outbox', { keyPath: 'order' })
      request.result.createObjectStore('rooms', { keyPath: 'room_id' })
    }
    request.onsuccess = () => done(request.result)
    request.onerror = () => fail(request.error)
  })

type StoreName = 'outbox' | 'rooms'

function indexedStorage(database: IDBDatabase): Storage {
  /** Done when the transaction is: a full disk is noticed at its end, not at the request. */
  const run = <T>(
    name: StoreName,
    act: (store: IDBObjectStore) => IDBRequest<T>,
    mode: IDBTransactionMode = 'readwrite',
  ) =>
    inTime<T>((done, fail) => {
      // What a person wrote is worth waiting for the disk.
      const transaction = database.transaction(name, mode, { durability: 'strict' })
      const request = act(transaction.objectStore(name))
      transaction.oncomplete = () => done(request.result)
      transaction.onabort = () => fail(transaction.error)
      // Now, and not when this page hears of it: one that crashed would lose it, one that was frozen would lock the others out.
      transaction.commit()
    })

  // A later version of the page, in another tab, must not wait for this one.
  database.onversionchange = () => database.close()
  return {
    shared: true,
    entries: () => run('outbox', (store) => store.getAll(), 'readonly'),
    putEntry: (entry) => run('outbox', (store) => store.put(entry)),
    deleteEntry: (order) => run('outbox', (store) => store.delete(order)),
    room: (room_id) => run('rooms', (store) => store.get(room_id), 'readonly'),
    rooms: () => run('rooms', (store) => store.getAll(), 'readonly'),
    putRoom: (room) => run('rooms', (store) => store.put(room)),
    async clear() {
      await run('outbox', (store) => store.clear())
      await run('rooms', (store) => store.clear())
    },
    close: () => database.close(),
  }
}

const nothing = async () => undefined
/** Where the browser keeps nothing, and says so. */
export const noStorage: Storage = {
  shared: false,
  entries: async () => [],
  putEntry: () => Promise.reject(),
  deleteEntry: nothing,
  room: nothing,
  rooms: async () => [],
  putRoom: nothing,
  clear: nothing,
  close() {},
}
