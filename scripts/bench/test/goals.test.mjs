import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Book, readBook } from '../book.mjs'
import { judge } from '../goals.mjs'
import { plan } from '../plan.mjs'

const quiet = { server: { compute_ms: 10 }, generator: { compute_ms: 10 } }
const noise = { others: 0, before: quiet, after: quiet }
const counts = { sent: 10, lost: 0, doubled: 0, out_of_order: 0, seq_wrong: 0 }

/** A book of one group with these runs: `[cell, peer, result]`. */
function bookOf(...runs) {
  const ids = [...new Set(runs.map(([cell]) => cell))]
  const cells = ids.map((id) => ({ id, name: id, peers: [] }))
  return new Book([{ group: 'g', cells, runs: runs.map(([cell, peer, result]) => ({ cell, peer, noise, result })) }])
}

const row = (book, what, cell) => judge(book, ['django-full']).find((each) => each.what === what && each.cell === cell)
const chat = (perSecond, more = {}) => ({ messages_per_second: perSecond, counts: { ...counts, ...more } })

test('what was not measured has no verdict', () => {
  const rows = judge(new Book([]), [])
  assert.deepEqual([...new Set(rows.map(({ verdict }) => verdict))].sort(), ['open', undefined])
})

test('the middle of the rounds decides', () => {
  const rounds = (...rates) => bookOf(...rates.map((rate) => ['chat-500x4', 'frontdesk', chat(rate)]))
  assert.equal(row(rounds(19_000, 21_000, 25_000), 'stored, acked and delivered', 'chat-500x4').verdict, 'met')
  assert.equal(row(rounds(19_000, 19_500, 25_000), 'stored, acked and delivered', 'chat-500x4').verdict, 'missed')
})

test('a figure is not reached when anything was lost, doubled or out of order', () => {
  for (const wrong of [{ lost: 1 }, { doubled: 1 }, { out_of_order: 1 }, { seq_wrong: 1 }]) {
    const book = bookOf(['chat-500x4', 'frontdesk', chat(50_000, wrong)])
    const { verdict, counts } = row(book, 'stored, acked and delivered', 'chat-500x4')
    assert.equal(verdict, 'missed')
    assert.equal(
      counts.reduce((sum, count) => sum + count),
      1,
    )
  }
  const lost = { back: { seconds: 1, lost: 3, wrong: 0 } }
  assert.equal(
    row(bookOf(['storm-missed', 'frontdesk', lost]), 'all back and complete', 'storm-missed').verdict,
    'missed',
  )
})

test('the ratio is to the best server with the same durability, in this cell or in any', () => {
  const book = bookOf(
    ['chat-500x4', 'frontdesk', chat(20_000)],
    ['chat-500x4', 'django-full', chat(500)],
    ['chat-500x4', 'django', chat(10_000)],
    ['chat-50x1', 'django-full', chat(2_000)],
  )
  const same = row(book, '× Django with the same durability', 'chat-500x4')
  assert.deepEqual([same.ratio, same.verdict], [40, 'met'])
  const best = row(book, '× the best that such a Django reached with any number of rooms', 'chat-500x4')
  assert.deepEqual([best.ratio, best.verdict], [10, 'missed'])
})

test('without the other server there is no ratio and no verdict', () => {
  const book = bookOf(['fanout-1000', 'frontdesk', { deliveries_per_second: 5, counts }])
  const { ratio, verdict } = row(book, '× the bare server, none lost, joining included', 'fanout-1000')
  assert.deepEqual([ratio, verdict], [undefined, 'open'])
})

test('a group that is measured anew leaves the others as they were', () => {
  const folder = mkdtempSync(join(tmpdir(), 'bench-'))
  const write = (group, rate) => {
    const runs = [{ cell: 'chat-500x4', peer: 'frontdesk', noise, result: chat(rate) }]
    writeFileSync(join(folder, `${group}.json`), JSON.stringify({ group, cells: [], runs }))
  }
  try {
    write('chat', 1)
    write('idle', 2)
    write('chat', 3)
    const { groups } = readBook(folder, ['idle', 'absent', 'chat'])
    assert.deepEqual(
      groups.map(({ group, runs }) => [group, runs[0].result.messages_per_second]),
      [
        ['idle', 2],
        ['chat', 3],
      ],
    )
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('every figure to reach is measured by the plan, in its full and its quick form', () => {
  for (const options of [{}, { quick: true }, { full: true }]) {
    const groups = plan(options)
    const cells = groups.flatMap((group) => group.cells)
    assert.equal(new Set(cells.map(({ id }) => id)).size, cells.length, 'ids are unique')
    for (const { cell, axis, what } of judge(new Book([]), []))
      assert.ok(
        cells.some((each) => (axis ? each.axis === axis : each.id === cell)),
        `${what} is measured by no cell of ${JSON.stringify(options)}`,
      )
  }
})
