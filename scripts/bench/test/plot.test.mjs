import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sizesIn } from '../own.mjs'
import { bars, curves, scale } from '../plot.mjs'

test('powers of ten are evenly spaced, and zero lies on the ground', () => {
  const points = [
    { x: 1, y: 3 },
    { x: 100, y: 45 },
  ]
  const { x, y, most } = scale(points, { left: 10, top: 20 }, 200, 100)
  assert.deepEqual([x(1), x(10), x(100)], [10, 110, 210])
  assert.equal(most, 50)
  assert.deepEqual([y(0), y(25), y(50)], [120, 70, 20])
})

test('a single point, and nothing but zeros, can be drawn', () => {
  const one = curves('name', [
    [{ x: 'rooms', y: 'ms', lines: [{ name: 'a', isOurs: true, points: [{ x: 10, y: 0 }] }] }],
  ])
  assert.doesNotMatch(one, /NaN|Infinity|undefined/)
  const none = bars('name', 'ms', [{ title: 'cell', bars: [{ name: 'a', value: 0, isOurs: true }] }])
  assert.doesNotMatch(none, /NaN|Infinity|undefined/)
})

test('what stands in a picture cannot break it', () => {
  assert.match(bars('a < b & "c"', '', []), /a &lt; b &amp; &quot;c&quot;/)
})

test('sizes are read from what the budget check says', () => {
  const text = 'user page: 88.2 KB of 90 KB\nSDK: 12.5 KB of 12 KB, over its budget\n'
  assert.deepEqual(sizesIn(text), { 'user page': 88.2, SDK: 12.5 })
  assert.throws(() => sizesIn('nothing'))
})
