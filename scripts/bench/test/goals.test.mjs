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

test('on PostgreSQL and Redis each server is taken under the load that suits it', () => {
  const book = bookOf(
    ['nodes-50x1', 'node-redis', chat(3_000)],
    ['nodes-50x64', 'node-redis', chat(9_000)],
    ['nodes-50x1', 'django-redis', chat(400)],
    ['nodes-50x64', 'django-redis', chat(200)],
    ['nodes-50x4', 'django-redis-two', chat(500)],
    ['nodes-50x4', 'django-full', chat(5_000)],
  )
  const find = (ours) =>
    judge(book, ['django-full']).find((each) => each.best?.includes('nodes-50x1') && each.server === ours)
  const { ours, ratio, verdict, others } = find('node-redis')
  assert.deepEqual([ours, ratio, verdict, others['django-redis']], [9_000, 18, 'missed', 400])
  assert.equal(find('nodes-redis').verdict, 'open')
})

test('one message lost under any load misses the ratio', () => {
  const rows = (lost) =>
    judge(
      bookOf(
        ['nodes-50x1', 'node-redis', chat(3_000, { lost })],
        ['nodes-50x64', 'node-redis', chat(9_000)],
        ['nodes-50x1', 'django-redis', chat(400)],
      ),
      [],
    ).find((each) => each.best?.includes('nodes-50x1') && each.server === 'node-redis')
  assert.equal(rows(0).verdict, 'met')
  assert.equal(rows(1).verdict, 'missed')
})

test('what is lost is counted over all loads and both forms of ours, and beside it what others lost', () => {
  const cells = plan()
    .find(({ key }) => key === 'nodes')
    .cells.map(({ id }) => id)
  const runs = (wrong) =>
    cells.flatMap((cell) => ['node-redis', 'nodes-redis'].map((peer) => [cell, peer, chat(1, wrong)]))
  const others = [
    ['nodes-storm', 'django-redis', { back: { talk: chat(1, { lost: 3 }) } }],
    ['nodes-storm', 'django-redis-100', { back: { talk: chat(1, { lost: 800 }) } }],
  ]
  const lost = (...all) => judge(bookOf(...all), []).filter((each) => each.lost)
  const [usual, plain] = lost(...runs({}), ...others)
  assert.deepEqual([usual.ours, usual.verdict, usual.others['django-redis']], [0, 'met', 3])
  assert.deepEqual([plain.verdict, plain.others['django-redis']], ['met', 800])
  assert.equal(lost(...runs({ doubled: 1 }))[0].verdict, 'missed')
  assert.equal(lost(...runs({}).slice(1))[0].verdict, 'open', 'one of ours is missing in one cell')
})

test('idle connections on many nodes: none is dropped, and each message of the sample arrives once', () => {
  const rows = (disconnected, wrong) => {
    const result = { disconnected, sample: { wrong } }
    return judge(bookOf(['nodes-idle', 'nodes-redis', result]), []).filter(
      ({ cell, goal }) => cell === 'nodes-idle' && goal,
    )
  }
  assert.deepEqual(
    [rows(0, 0), rows(1, 0), rows(0, 1)].map((all) => all.map(({ verdict }) => verdict)),
    [
      ['met', 'met'],
      ['missed', 'met'],
      ['met', 'missed'],
    ],
  )
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
