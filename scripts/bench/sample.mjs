// A message to each of a sample of rooms, sent over HTTP at one node, and whether it arrived once, and when.
import { setTimeout as sleep } from 'node:timers/promises'
import { run } from './host.mjs'

/** The first admin of every world. */
const admin = '1'
const patienceSeconds = 15

/** So many different rooms of the first `most`, any of them. */
export function chooseRooms(most, count) {
  const rooms = Array.from({ length: most }, (_, place) => place + 1)
  for (let place = 0; place < count; place += 1) {
    const other = place + Math.floor(Math.random() * (most - place))
    ;[rooms[place], rooms[other]] = [rooms[other], rooms[place]]
  }
  return rooms.slice(0, count)
}

/** Sends one at even distances; the answer are the rooms in which it was refused. */
export async function sendTo({ load, port, rooms, rate }) {
  const token = run(load, ['token', '--user', admin]).trim()
  const start = performance.now()
  const answers = rooms.map(async (room, place) => {
    await sleep(Math.max(0, start + (place * 1_000) / rate - performance.now()))
    return send(`http://127.0.0.1:${port}/api/chat/rooms/${room}/messages/`, token)
  })
  const sent = await Promise.all(answers)
  return rooms.filter((_, place) => !sent[place])
}

/** The text says when it was sent, by the clock that all processes of a machine share. */
async function send(url, token) {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  try {
    const body = JSON.stringify({ message: `sample ${process.hrtime.bigint()}` })
    const answer = await fetch(url, { method: 'POST', headers, body })
    await answer.arrayBuffer()
    return answer.status === 201
  } catch {
    return false
  }
}

/** Waits until all have arrived, or nothing more is to be hoped for. */
export async function arrivals({ rooms, refused, nodeOf, nodes, heard }) {
  const end = Date.now() + patienceSeconds * 1_000
  let samples = []
  while (samples.length < rooms.length && Date.now() < end) {
    await sleep(250)
    samples = (await heard()).samples
  }
  // What is doubled comes after what was awaited.
  await sleep(1_000)
  samples = (await heard()).samples
  return tally({ rooms, refused, samples, nodeOf, nodes })
}

/** `samples` are `[room, milliseconds]`. Wrong is what came never, twice, or where nobody wrote. */
export function tally({ rooms, refused, samples, nodeOf, nodes }) {
  const counts = new Map(rooms.map((room) => [room, 0]))
  for (const [room] of samples) counts.set(room, (counts.get(room) ?? 0) + 1)
  const asked = new Set(rooms)
  const once = [...counts].filter(([room, count]) => asked.has(room) && count === 1).map(([room]) => room)
  const on_each_node = Array.from({ length: nodes }, () => 0)
  const times = (isOf) => quantiles(samples.filter(([room]) => isOf(room)).map(([, milliseconds]) => milliseconds))
  for (const room of once) on_each_node[nodeOf(room)] += 1
  return {
    sent: rooms.length,
    refused: refused.length,
    arrived: once.length,
    wrong: counts.size - once.length,
    on_each_node,
    delivery_ms: times(() => true),
    // They are sent at the first node, and go to the others by the bus.
    there_ms: times((room) => nodeOf(room) === 0),
    elsewhere_ms: times((room) => nodeOf(room) !== 0),
  }
}

function quantiles(values) {
  if (values.length === 0) return undefined
  const sorted = [...values].sort((one, other) => one - other)
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)]
  return { count: sorted.length, p50: at(0.5), p99: at(0.99), max: sorted.at(-1) }
}
