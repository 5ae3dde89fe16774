/** What outlives the page, an IndexedDB database for each account: messages not yet sent, and the rooms last seen. */
import type { Entry } from './entries'
import type { RoomState } from './types'

/** Some browsers leave an open request without an answer; the page must not wait for it. */
const openPatienceMs = 3_000

export interface Storage {
  /** Whether other tabs see the same. */
  readonly shared: boolean
  entries(): Promise<Entry[]>
  putEntry(entry: Entry): Promise<void>
  deleteEntry(order: string): Promise<void>
  room(room_id: number): Promise<RoomState | undefined>
  rooms(): Promise<RoomState[]>
  putRoom(room: RoomState): Promise<void>
  clear(): Promise<void>
  close(): void
}

export async function openStorage(account: string): Promise<Storage> {
  if (typeof indexedDB === 'undefined') return memoryStorage()
  const late = new Promise<null>((done) => setTimeout(done, openPatienceMs, null))
  const database = await Promise.race([open(`frontdesk.${account}`), late]).catch(() => null)
  return database ? indexedStorage(database) : memoryStorage()
}

function open(name: string): Promise<IDBDatabase> {
  const request = indexedDB.open(name, 1)
  request.onupgradeneeded = () => {
    request.result.createObjectStore('outbox', { keyPath: 'order' })
    request.result.createObjectStore('rooms', { keyPath: 'room_id' })
  }
  return answer(request)
}

function answer<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}

type StoreName = 'outbox' | 'rooms'

function indexedStorage(database: IDBDatabase): Storage {
  const read = <T>(name: StoreName, run: (store: IDBObjectStore) => IDBRequest<T>) =>
    answer(run(database.transaction(name).objectStore(name)))

  /** Done when the transaction is: a full disk is noticed at its end, not at the request. */
  const write = (name: StoreName, run: (store: IDBObjectStore) => void) =>
    new Promise<void>((resolve, reject) => {
      const transaction = database.transaction(name, 'readwrite')
      run(transaction.objectStore(name))
      transaction.oncomplete = () => resolve()
      transaction.onabort = () => reject(transaction.error)
    })

  // A later version of the page, in another tab, must not wait for this one.
  database.onversionchange = () => database.close()
  return {
    shared: true,
    entries: () => read('outbox', (store) => store.getAll()),
    putEntry: (entry) => write('outbox', (store) => store.put(entry)),
    deleteEntry: (order) => write('outbox', (store) => store.delete(order)),
    room: (room_id) => read('rooms', (store) => store.get(room_id)),
    rooms: () => read('rooms', (store) => store.getAll()),
    putRoom: (room) => write('rooms', (store) => store.put(room)),
    async clear() {
      await write('outbox', (store) => store.clear())
      await write('rooms', (store) => store.clear())
    },
    close: () => database.close(),
  }
}

export function memoryStorage(): Storage {
  const entries = new Map<string, Entry>()
  const rooms = new Map<number, RoomState>()
  return {
    shared: false,
    entries: async () => [...entries.values()],
    putEntry: async (entry) => void entries.set(entry.order, entry),
    deleteEntry: async (order) => void entries.delete(order),
    room: async (room_id) => rooms.get(room_id),
    rooms: async () => [...rooms.values()],
    putRoom: async (room) => void rooms.set(room.room_id, room),
    async clear() {
      entries.clear()
      rooms.clear()
    },
    close() {},
  }
}
