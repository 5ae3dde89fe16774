import 'fake-indexeddb/auto'
import { afterEach, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { createClient } from '../src/client'
import { createInboxClient } from '../src/inboxClient'
import type { Client, RoomHandle } from '../src/types'
import { ada, createEnv, type FakeServer, grace, startServer, until } from './fakeServer'

let server: FakeServer
const clients: Client[] = []

afterEach(async () => {
  for (const client of clients.splice(0)) client.close()
  await server.stop()
})

/** The same seed gives the same troubles; the name of a failed test tells it. */
function dice(seed: number): (sides: number) => number {
  let state = seed
  return (sides) => {
    state = (state * 48271) % 2147483647
    return state % sides
  }
}

function follow(person: typeof ada, seed: number, create: typeof createClient): RoomHandle {
  const options = {
    url: server.url,
    token: async () => String(person.id),
    account: `chaos${seed}.${clients.length}`,
  }
  const client = create(
    options,
    createEnv((url, protocols) => new WebSocket(url, protocols)),
  )
  clients.push(client)
  return client.room(7)
}

test.each([11, 23, 47])(
  'whatever happens to connections, everybody sees the same in the end (seed %i)',
  async (seed) => {
    server = await startServer()
    server.open(7)
    const roll = dice(seed)
    const phone = follow(grace, seed, createClient)
    const laptop = follow(grace, seed, createClient)
    const console = follow(ada, seed, createInboxClient)
    const everybody = [phone, laptop, console]
    await until(() => everybody.every((room) => room.get().epoch))
    const { send } = server
    const written: string[] = []
    for (let step = 0; step < 80; step++) {
      const what = roll(10)
      if (what < 6) {
        const text = `${step}`
        written.push(text)
        everybody[roll(3)]!.send(text)
      } else if (what === 6) server.cut()
      else if (what === 7) server.close([1012, 1013, 4408][roll(3)]!)
      else if (what === 8) server.resolves(ada, 7, 'resolved')
      // For a while nobody hears anything, and the next event shows the gap.
      else server.send = server.send === send ? () => {} : send
      await new Promise((done) => setTimeout(done, roll(30)))
    }
    server.send = send
    server.says(ada, 7, 'the end')
    // Each answer that was lost in the silence is waited for, for 10 s.
    await until(() => server.texts(7).length === written.length + 1, 45_000)
    const { events } = server.rooms.get(7)!
    await until(() => everybody.every((room) => room.get().last_seq === events.length), 45_000)
    expect([...server.texts(7)].sort()).toEqual([...written, 'the end'].sort())
    const stored = events.flatMap((it) => (it.kind === 'message' ? [[it.seq, it.message.id, it.message.message]] : []))
    const changes = events.flatMap((it) => (it.kind === 'status' ? it.seq : []))
    for (const room of everybody) {
      await until(() => room.get().messages.every((it) => it.seq !== null))
      expect(room.get().messages.map((it) => [it.seq, it.id, it.message])).toEqual(stored)
      expect(room.get().status_changes.map((it) => it.seq)).toEqual(changes)
    }
  },
  120_000,
)
