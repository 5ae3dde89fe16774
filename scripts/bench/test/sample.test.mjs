import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chooseRooms, tally } from '../sample.mjs'

const nodeOf = (room) => room % 2
const tallied = (samples, refused = []) => tally({ rooms: [1, 2, 3], refused, samples, nodeOf, nodes: 2 })

test('rooms of a sample are all different and all there are may be asked for', () => {
  assert.equal(new Set(chooseRooms(1_000, 100)).size, 100)
  assert.deepEqual(
    chooseRooms(5, 5).sort((one, other) => one - other),
    [1, 2, 3, 4, 5],
  )
})

test('what arrives once in every room is right, and is counted on its node', () => {
  const { arrived, wrong, on_each_node, delivery_ms } = tallied([
    [1, 5],
    [2, 7],
    [3, 6],
  ])
  assert.deepEqual([arrived, wrong, on_each_node, delivery_ms], [3, 0, [1, 2], { count: 3, p50: 6, p99: 7, max: 7 }])
})

test('what never arrives, arrives twice or arrives elsewhere is wrong', () => {
  const all = [
    [1, 1],
    [2, 1],
    [3, 1],
  ]
  assert.equal(tallied(all.slice(1)).wrong, 1)
  assert.equal(tallied([...all, [2, 9]]).wrong, 1)
  assert.equal(tallied([...all, [7, 9]]).wrong, 1)
  assert.deepEqual([tallied([]).arrived, tallied([]).delivery_ms], [0, undefined])
})
