/** Whatever happens to network, server, tab or clock: what was written is sent once and in order, and both sides see the same. */
import { common } from '../ui/src/messages/en'
import { ada, conversation, grace, ines, minutesAgo } from './support/cast'
import {
  allAgree,
  crash,
  freeze,
  history,
  setClock,
  shownTexts,
  withClock,
  withoutStorage,
  writes,
} from './support/faults'
import { UserPage } from './support/people'
import { everybody, expect, test } from './support/test'

const room_id = 7
const before = ['Hello', 'Hello Grace']

test.use({
  world: {
    records: [
      ...everybody,
      ...conversation(room_id, grace, [
        [grace, 'Hello'],
        [ada, 'Hello Grace'],
      ]),
    ],
    complaints: [/ERR_|WebSocket|status of (401|50[03])/],
  },
})

const numbered = (word: string, count: number) => Array.from({ length: count }, (_, index) => `${word} ${index + 1}`)

/** Of all that is stored, what begins so. */
const ofThem = (texts: string[], word: string) => texts.filter((text) => text.startsWith(`${word} `))

test('what is written in a long tunnel arrives once and in order', async ({ user, admin, server }) => {
  const [graces, adas] = [await user(), await admin()]
  await adas.opens(grace)
  await graces.page.context().setOffline(true)
  for (const text of numbered('tunnel', 8)) await graces.says(text)
  for (const text of numbered('desk', 3)) await adas.says(text)
  await graces.page.context().setOffline(false)
  await expect.poll(() => shownTexts(adas)).toContain('tunnel 8')
  const texts = await allAgree(server, room_id, [graces, adas])
  expect(ofThem(texts, 'tunnel')).toEqual(numbered('tunnel', 8))
  expect(ofThem(texts, 'desk')).toEqual(numbered('desk', 3))
})

test('a server that is killed while both write loses and doubles nothing', async ({ user, admin, server }) => {
  const [graces, adas] = [await user(), await admin()]
  await adas.opens(grace)
  await adas.insists()
  const writing = Promise.all([
    (async () => {
      for (const text of numbered('user', 10)) await graces.says(text)
    })(),
    (async () => {
      for (const text of numbered('admin', 10)) await adas.says(text)
    })(),
  ])
  for (let kills = 0; kills < 2; kills++) {
    await graces.page.waitForTimeout(400)
    await server.kill()
    await server.start()
  }
  await writing
  await expect(async () => {
    await expect(adas.log.locator('.failed')).toHaveCount(0)
    expect(await history(server, room_id)).toHaveLength(22)
  }).toPass({ timeout: 30_000 })
  const texts = await allAgree(server, room_id, [graces, adas])
  expect(ofThem(texts, 'user')).toEqual(numbered('user', 10))
  expect(ofThem(texts, 'admin')).toEqual(numbered('admin', 10))
})

test('a tab that crashes has its messages sent by the next one', async ({ user, server }) => {
  const graces = await user()
  const context = graces.page.context()
  await context.setOffline(true)
  for (const text of numbered('crash', 3)) await graces.says(text)
  await graces.field.fill('Not yet sent')
  await crash(graces.page)
  await graces.page.close()
  await context.setOffline(false)
  const next = new UserPage(await context.newPage(), grace)
  await next.open()
  await next.sees('crash 3')
  await expect(next.field).toHaveValue('Not yet sent')
  expect(await allAgree(server, room_id, [next])).toEqual([...before, ...numbered('crash', 3)])
})

test('a reload with twenty queued messages keeps all of them in order', async ({ user, server }) => {
  const graces = await user()
  await graces.sees('Hello Grace')
  await server.kill()
  for (const text of numbered('queued', 20)) await graces.says(text)
  await server.start()
  await graces.page.reload()
  await expect.poll(async () => (await history(server, room_id)).length, { timeout: 30_000 }).toBe(22)
  expect(await allAgree(server, room_id, [graces])).toEqual([...before, ...numbered('queued', 20)])
})

/** How long it takes until it is sent. */
async function takesMs(person: UserPage, text: string): Promise<number> {
  const begun = performance.now()
  await person.says(text)
  await person.ticks(text, 'sent')
  return performance.now() - begun
}

test.describe('two tabs', () => {
  test('when the one that sends is closed, the other sends within a second', async ({ user, server }) => {
    const first = await user()
    const second = new UserPage(await first.page.context().newPage(), grace)
    await second.open()
    const usually = await takesMs(second, 'by the first tab')
    await first.page.close()
    // A second is promised; the rest is for a busy machine.
    expect(await takesMs(second, 'by the second tab')).toBeLessThan(usually + 5_000)
    await allAgree(server, room_id, [second])
  })

  test('when the one that sends is frozen, the other takes over, and nothing is doubled when it thaws', async ({
    user,
    server,
  }) => {
    const first = await user()
    const context = first.page.context()
    const second = new UserPage(await context.newPage(), grace)
    await second.open()
    await second.sees('Hello Grace')
    await context.setOffline(true)
    await first.says('tabs 1')
    await second.sees('tabs 1')
    const thaw = await freeze(first.page)
    await second.says('tabs 2')
    await context.setOffline(false)
    await second.ticks('tabs 2', 'sent')
    await second.says('tabs 3')
    await second.ticks('tabs 3', 'sent')
    await thaw()
    await first.page.bringToFront()
    await first.says('tabs 4')
    expect(await allAgree(server, room_id, [first, second])).toEqual([...before, ...numbered('tabs', 4)])
  })

  test('a frozen tab delays the others for a second or two, and not for ever', async ({ user }) => {
    const first = await user()
    const second = new UserPage(await first.page.context().newPage(), grace)
    await second.open()
    const usually = await takesMs(second, 'by the first tab')
    const thaw = await freeze(first.page)
    expect(await takesMs(second, 'by the second tab')).toBeLessThan(usually + 8_000)
    await thaw()
  })
})

test('laptops that slept while the server was cut off come back complete', async ({ profile, admin, server }) => {
  const page = await (await profile()).newPage()
  await withClock(page)
  const graces = new UserPage(page, grace)
  await graces.open()
  await graces.signIn()
  const adas = await admin()
  await adas.opens(grace)
  await graces.says('sleep 1')
  await adas.sees('sleep 1')
  const thaws = [await freeze(graces.page), await freeze(adas.page)]
  await server.kill()
  await server.start()
  await writes(server, ines.id, room_id, 'sleep 2')
  await writes(server, grace.id, room_id, 'sleep 3')
  for (const thaw of thaws) await thaw()
  await setClock(graces.page, 8)
  await graces.sees('sleep 3')
  await adas.sees('sleep 3')
  await graces.says('sleep 4')
  await adas.sees('sleep 4')
  expect(await allAgree(server, room_id, [graces, adas])).toEqual([...before, ...numbered('sleep', 4)])
})

test('a clock that jumps back and forth by a day changes no order', async ({ profile, admin, server }) => {
  const context = await profile()
  const page = await context.newPage()
  await withClock(page)
  const graces = new UserPage(page, grace)
  await graces.open()
  await graces.signIn()
  const adas = await admin()
  await adas.opens(grace)
  let written = 0
  const write = () => graces.says(`clock ${++written}`)
  for (const hours of [24, -24, 0]) {
    await setClock(page, hours)
    await write()
    await graces.ticks(`clock ${written}`, 'read')
  }
  await context.setOffline(true)
  for (const hours of [24, -24]) {
    await setClock(page, hours)
    await write()
  }
  await context.setOffline(false)
  await adas.sees(`clock ${written}`)
  // A page that is loaded when the clock is wrong has not made an id yet.
  await server.kill()
  await setClock(page, 24)
  await write()
  await page.close()
  await server.start()
  const late = new UserPage(await context.newPage(), grace)
  await withClock(late.page, -24)
  await late.open()
  await late.says(`clock ${++written}`)
  await adas.sees(`clock ${written}`)
  expect(await allAgree(server, room_id, [late, adas])).toEqual([...before, ...numbered('clock', written)])
})

test('a browser that keeps nothing still sends, and says what that means', async ({ profile, server }) => {
  const context = await profile()
  const page = await context.newPage()
  await withoutStorage(page)
  const graces = new UserPage(page, grace)
  await graces.open()
  await graces.signIn()
  await graces.says('private 1')
  await graces.ticks('private 1', 'sent')
  await context.setOffline(true)
  await graces.says('private 2')
  await expect(page.getByText(common.banner_unkept)).toBeVisible()
  await context.setOffline(false)
  await graces.ticks('private 2', 'sent')
  await expect(page.getByText(common.banner_unkept)).toBeHidden()
  expect(await allAgree(server, room_id, [graces])).toEqual([...before, ...numbered('private', 2)])
})

// PostgreSQL's backups are its own matter.
const sqlite = { tag: '@sqlite' }

test('a restore takes back what pages have seen, and nothing that waits', sqlite, async ({ user, admin, server }) => {
  const [graces, adas] = [await user(), await admin()]
  await adas.opens(grace)
  await graces.says('In the backup')
  await adas.sees('In the backup')
  const file = `${server.folder}/backup.tar`
  server.command(['backup', file])
  await graces.says('After the backup')
  await adas.sees('After the backup')
  await server.kill()
  await graces.says('Written meanwhile')
  server.command(['restore', file])
  await server.start()
  // A restore ends all sessions.
  for (const person of [graces, adas]) {
    await person.page.getByRole('button', { name: common.sign_in }).click()
    await person.fillSignIn()
  }
  await adas.sees('Written meanwhile')
  const texts = await allAgree(server, room_id, [graces, adas])
  expect(texts).toEqual([...before, 'In the backup', 'Written meanwhile'])
})

test('after more than a thousand missed messages the newest are shown, and older ones come by scrolling', async ({
  user,
  server,
}) => {
  const graces = await user()
  await graces.sees('Hello Grace')
  await graces.page.context().setOffline(true)
  await graces.says('Written meanwhile')
  const missed = numbered('missed', 1_100)
  server.import(
    missed.map((message, index) => ({
      type: 'message',
      room_id,
      sender_id: ada.id,
      message,
      created_at: minutesAgo(0),
      client_id: `missed-${index}`,
    })),
  )
  await graces.page.context().setOffline(false)
  await graces.sees('missed 1100')
  await graces.ticks('Written meanwhile', 'sent')
  expect(await shownTexts(graces)).not.toContain('missed 1')
  await expect
    .poll(
      async () => {
        await graces.log.evaluate((log) => log.scrollTo(0, 0))
        return (await shownTexts(graces)).length
      },
      { timeout: 30_000, intervals: [50] },
    )
    .toBe(1_103)
  expect(await allAgree(server, room_id, [graces])).toEqual([...before, ...missed, 'Written meanwhile'])
})
