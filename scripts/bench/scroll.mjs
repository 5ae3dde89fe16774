/**
 * How smoothly the console scrolls: a list of 10,000 rooms and a room of 50,000 messages, in Chromium, traced. Prints one
 * line of JSON.
 *
 *     node scripts/bench/scroll.mjs --server target/release/frontdesk [--rooms 10000] [--messages 50000] [--seconds 10]
 *
 * `list` and `room` are measured as the machine is, `list_slow` and `room_slow` with its processor throttled to a quarter.
 * Of the page's main thread: `longest_ms`, the longest task; `longest_cpu_ms`, the most that one task worked, which others on
 * the machine cannot lengthen; `over_50`, how many tasks were longer than 50 ms; `frames` that the page was asked to draw, and
 * how many it was `dropped` from, against 60 a second.
 */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'

const root = join(import.meta.dirname, '../..')
const { chromium } = createRequire(join(root, 'web/package.json'))('@playwright/test')

const { values } = parseArgs({
  options: {
    server: { type: 'string', default: 'target/release/frontdesk' },
    rooms: { type: 'string', default: '10000' },
    messages: { type: 'string', default: '50000' },
    seconds: { type: 'string', default: '10' },
  },
})
const binary = resolve(values.server)
const [rooms, messages, seconds] = [values.rooms, values.messages, values.seconds].map(Number)

const admin = { id: 1, phone: '5550100', name: 'Ada', role: 'admin' }
const password = 'scroll and scroll'
const viewport = { width: 1440, height: 900 }
const slowdown = 4
/** A wheel that turns as fast as a hand can. */
const wheel_px = 240
const wheel_every_ms = 16
const long_ms = 50
const patience_ms = 60_000

const words = 'the parcel that you sent on Monday has not come yet and I wonder where it may be now'.split(' ')
const began = Date.parse('2026-01-01T00:00:00Z')
const at = (minute) => new Date(began + minute * 60_000).toISOString()
const text = (index) =>
  Array.from({ length: 2 + ((index * 7) % 40) }, (_, at) => words[(index + at) % words.length]).join(' ')

/** The long room is the one with the newest message, so that it stands first. */
async function writeData(file) {
  const out = createWriteStream(file)
  const line = async (record) => out.write(`${JSON.stringify(record)}\n`) || once(out, 'drain')
  await line({ type: 'user', ...admin })
  for (let index = 1; index <= rooms; index++) {
    const id = index + 1
    await line({ type: 'user', id, phone: `600${id}`, name: `Person ${index}`, role: 'user' })
    await line({ type: 'room', id, user_id: id, status: 'open', created_at: at(index) })
  }
  const message = (room_id, sender_id, index, minute) =>
    line({
      type: 'message',
      room_id,
      sender_id,
      message: text(index),
      created_at: at(minute),
      client_id: `${room_id}.${index}`,
    })
  for (let index = 1; index < rooms; index++) await message(index + 1, index + 1, index, index)
  // Three in a row from the same side, two of them in the same minute.
  for (let index = 0; index < messages; index++) {
    await message(rooms + 1, index % 6 < 3 ? rooms + 1 : admin.id, index, rooms + Math.floor(index / 2))
  }
  out.end()
  await once(out, 'finish')
}

async function serve(folder) {
  const data = ['--data', join(folder, 'data')]
  const run = (args, input = '') =>
    execFileSync(binary, [...args, ...data], { cwd: folder, input, stdio: ['pipe', 'ignore', 'inherit'] })
  await writeData(join(folder, 'data.jsonl'))
  run(['import', join(folder, 'data.jsonl')])
  run(['user', 'password', '--phone', admin.phone], `${password}\n`)
  const server = spawn(binary, ['serve', '--listen', '127.0.0.1:0', ...data], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const address = await new Promise((done, fail) => {
    server.stdout.on('data', (said) => {
      const found = /listening on (http:\S+)/.exec(said)?.[1]
      if (found) done(found)
    })
    server.once('exit', (code) => fail(new Error(`the server ended with ${code}`)))
  })
  return { server, address }
}

/** Turns the wheel over a place of the page. */
async function turn(page, box, deltaY) {
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2)
  const end = performance.now() + seconds * 1000
  while (performance.now() < end) {
    await page.mouse.wheel(0, deltaY)
    await sleep(wheel_every_ms)
  }
}

/** Counts in the page how often it is asked for a frame, and how many it was too late for. */
const countFrames = (page) =>
  page.evaluate((frame_ms) => {
    const counts = { frames: 0, dropped: 0 }
    let before = performance.now()
    const frame = (now) => {
      counts.frames++
      counts.dropped += Math.max(0, Math.round((now - before) / frame_ms) - 1)
      before = now
      counts.next = requestAnimationFrame(frame)
    }
    counts.next = requestAnimationFrame(frame)
    window.frameCounts = counts
  }, 1000 / 60)

const framesCounted = (page) =>
  page.evaluate(() => {
    const { frames, dropped, next } = window.frameCounts
    cancelAnimationFrame(next)
    return { frames, dropped }
  })

/** What the main thread did while something was done, by Chromium's own trace. */
async function traced(page, devtools, act) {
  const events = []
  const collect = ({ value }) => events.push(...value)
  devtools.on('Tracing.dataCollected', collect)
  const included = [
    'toplevel',
    'disabled-by-default-devtools.timeline',
    'devtools.timeline',
    'devtools.timeline.frame',
    '__metadata',
  ]
  await devtools.send('Tracing.start', { transferMode: 'ReportEvents', traceConfig: { includedCategories: included } })
  await countFrames(page)
  await act()
  const frames = await framesCounted(page)
  const ended = new Promise((done) => devtools.once('Tracing.tracingComplete', done))
  await devtools.send('Tracing.end')
  await ended
  devtools.off('Tracing.dataCollected', collect)
  return { ...judged(events), ...frames }
}

function judged(events) {
  const mains = events.filter((it) => it.name === 'thread_name' && it.args.name === 'CrRendererMain')
  const isMain = (it) => mains.some(({ pid, tid }) => it.pid === pid && it.tid === tid)
  const tasks = events.filter((it) => it.ph === 'X' && /RunTask$/.test(it.name) && isMain(it))
  const longest = (key) => Math.round(Math.max(0, ...tasks.map((it) => it[key] ?? 0)) / 100) / 10
  return {
    longest_ms: longest('dur'),
    longest_cpu_ms: longest('tdur'),
    over_50: tasks.filter((it) => it.dur > long_ms * 1000).length,
  }
}

async function open(browser, address) {
  const context = await browser.newContext({ viewport, locale: 'en-GB', baseURL: address })
  context.setDefaultTimeout(patience_ms)
  const page = await context.newPage()
  await page.goto('/console/')
  await page.getByLabel('Phone number').fill(admin.phone)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  await page.locator('[data-room] a').first().waitFor()
  return page
}

async function scrollList(page, devtools) {
  const list = page.locator('.rows')
  await list.evaluate((each) => each.scrollTo({ top: 0 }))
  const box = await list.boundingBox()
  const result = await traced(page, devtools, () => turn(page, box, wheel_px))
  return { ...result, rows_passed: Math.round((await list.evaluate((each) => each.scrollTop)) / 66) }
}

async function scrollRoom(page, devtools) {
  await page.goto(`/console/#/rooms/${rooms + 1}`)
  await page.reload()
  const log = page.getByRole('log')
  await log.getByRole('article').last().waitFor()
  const box = await log.boundingBox()
  const result = await traced(page, devtools, () => turn(page, box, -wheel_px))
  return { ...result, messages_loaded: await log.locator('.bub').count() }
}

const folder = mkdtempSync(join(tmpdir(), 'frontdesk-scroll-'))
let server
let browser
try {
  const served = await serve(folder)
  server = served.server
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--disable-gpu', ...(process.getuid?.() === 0 ? ['--no-sandbox'] : [])],
  })
  const result = { rooms, messages, seconds, chromium: browser.version() }
  const page = await open(browser, served.address)
  const devtools = await page.context().newCDPSession(page)
  for (const [suffix, rate] of [
    ['', 1],
    ['_slow', slowdown],
  ]) {
    await devtools.send('Emulation.setCPUThrottlingRate', { rate })
    result[`list${suffix}`] = await scrollList(page, devtools)
    result[`room${suffix}`] = await scrollRoom(page, devtools)
  }
  console.log(JSON.stringify(result))
} finally {
  await browser?.close()
  if (server) {
    const ended = once(server, 'exit')
    server.kill('SIGTERM')
    await ended
  }
  rmSync(folder, { recursive: true, force: true })
}
