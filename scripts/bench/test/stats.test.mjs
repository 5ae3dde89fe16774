import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countsIn, generatorShare, growth, isNoisy, middle, range, yardstick } from '../stats.mjs'

const probe = (server, generator = server) => ({ server: { compute_ms: server }, generator: { compute_ms: generator } })
const run = (before, after = before, others = 0) => ({ noise: { others, before, after } })

test('the middle of an even number lies between the two in the middle', () => {
  assert.equal(middle([9, 1, 5]), 5)
  assert.equal(middle([4, 1, 2, 9]), 3)
  assert.equal(middle([]), undefined)
})

test('a curve grows by the most that any larger size costs more than a smaller one', () => {
  const points = (...costs) => costs.map((y, place) => ({ x: 10 ** place, y }))
  assert.equal(growth(points(4, 3, 2)), 1)
  assert.equal(growth(points(4, 2, 5, 3)), 2.5)
  assert.equal(growth(points(4).concat(points())), undefined)
})

test('a run is noisy when either core was slower than it can be, or others were at work', () => {
  const quiet = Array.from({ length: 10 }, () => run(probe(10)))
  const reference = yardstick([...quiet, run(probe(20))])
  assert.deepEqual(reference, { server: 10, generator: 10 })
  assert.equal(isNoisy(run(probe(10.9)), reference), false)
  assert.equal(isNoisy(run(probe(10), probe(11.1)), reference), true)
  assert.equal(isNoisy(run(probe(10, 12)), reference), true)
  assert.equal(isNoisy(run(probe(10), probe(10), 0.2), reference), true)
})

test('counts and the generator’s share are found however deep they stand', () => {
  const counts = { sent: 5, lost: 1 }
  const result = { chat: { counts, cpu: { generator: { total: 0.4 } } }, back: { cpu: { generator: { total: 0.95 } } } }
  assert.deepEqual(countsIn(result), [counts])
  assert.equal(generatorShare(result), 0.95)
})

test('a range of one value is the value', () => {
  assert.equal(range([2, 2], 1), '2.0')
  assert.equal(range([3_000, 2], 0), '2 – 3,000')
  assert.equal(range([], 0), '–')
})
