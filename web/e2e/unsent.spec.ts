/** What was written and may not go yet, or not at all: nothing of it is taken away before its writer has decided. */
import type { BrowserContext } from '@playwright/test'
import { console as words } from '../console/src/messages/en'
import { chat, common } from '../ui/src/messages/en'
import { ada, conversation, grace } from './support/cast'
import { allAgree, history } from './support/faults'
import { everybody, expect, test } from './support/test'

const room_id = 7

test.use({
  world: {
    records: [
      ...everybody,
      ...conversation(room_id, grace, [
        [grace, 'Hello'],
        [ada, 'Hello Grace'],
      ]),
    ],
    complaints: [/ERR_|WebSocket|status of 40[14]/],
  },
})

/** News of messages reach the console late. What it says, and the answers to that, go through. */
async function lateNews(context: BrowserContext): Promise<{ hold(): void; letGo(): void }> {
  let holds = false
  const held: (() => void)[] = []
  await context.routeWebSocket(/\/ws\/inbox\//, (page) => {
    page.connectToServer().onMessage((frame) => {
      const isNews = /"type":"(chat_message|room_summary|heartbeat)"/.test(String(frame))
      if (holds && isNews) held.push(() => page.send(frame))
      else page.send(frame)
    })
  })
  return {
    hold() {
      holds = true
    },
    letGo() {
      holds = false
      for (const send of held.splice(0)) send()
    },
  }
}

test('a reply that does not know of the newest messages waits until they were read', { tag: '@phone' }, async ({
  user,
  admin,
  server,
}) => {
  const [graces, adas] = [await user(), await admin()]
  await adas.opens(grace)
  await adas.field.fill('It leaves today')
  await graces.says('Wait')
  await graces.says('I have found it')
  await adas.sees('I have found it')
  await adas.page.reload()
  await adas.sees('I have found it')
  await expect(adas.field).toHaveValue('It leaves today')
  await adas.field.press('Enter')
  const warning = adas.page.getByText(words.stale('Grace', 2))
  await expect(warning).toBeVisible()
  await expect(adas.field).toHaveValue('It leaves today')
  await adas.page.getByRole('button', { name: words.stale_show }).click()
  await expect(warning).toBeHidden()
  await adas.says('Then keep it')
  await graces.sees('Then keep it')

  await adas.field.fill('Anything else?')
  await graces.says('One more thing')
  await adas.sees('One more thing')
  await adas.field.press('Enter')
  await adas.page.getByRole('alert').getByRole('button', { name: chat.send_anyway }).click()
  await graces.sees('Anything else?')
  await expect(adas.field).toHaveValue('')
  await allAgree(server, room_id, [graces, adas])
})

test('a reply that meets a message on the way is refused, and stays until it is decided', async ({
  user,
  admin,
  profile,
  server,
}) => {
  const context = await profile()
  const news = await lateNews(context)
  const [graces, adas] = [await user(), await admin(ada, context)]
  await adas.opens(grace)
  news.hold()
  await graces.says('Wait')
  await graces.ticks('Wait', 'sent')
  await adas.says('It leaves today')
  await expect(adas.log.getByText(chat.failures.stale)).toBeVisible()
  news.letGo()
  await expect(adas.page.getByText(words.stale('Grace', 1))).toBeVisible()
  await adas.page.getByRole('button', { name: words.stale_show }).click()
  await expect(adas.field).toHaveValue('It leaves today')
  await expect(adas.message('It leaves today')).toHaveCount(0)
  await adas.field.press('Enter')
  await graces.sees('It leaves today')

  news.hold()
  await graces.says('Wait again')
  await graces.ticks('Wait again', 'sent')
  await adas.says('Anything else?')
  await expect(adas.log.getByText(chat.failures.stale)).toBeVisible()
  news.letGo()

  // The list says so after a reload too, in which nobody has opened the room.
  await adas.page.goto('/console/')
  await expect(adas.row(grace)).toContainText(words.could_not_send)
  await adas.opens(grace)
  await adas.log.getByRole('button', { name: chat.send_anyway }).click()
  await graces.sees('Anything else?')
  await expect(adas.row(grace)).not.toContainText(words.could_not_send)
  await allAgree(server, room_id, [graces, adas])
})

test('a conversation that is gone keeps what was written for it', { tag: '@phone' }, async ({ user, profile }) => {
  const context = await profile()
  let gone = false
  const notFound = { status: 404, contentType: 'application/problem+json', body: '{"code":"not_found","status":404}' }
  await context.routeWebSocket(/\/ws\/chat\//, (page) => {
    if (gone) void page.close({ code: 4403 })
    else page.connectToServer()
  })
  await context.route(/\/rooms\/7\//, (route) => (gone ? route.fulfill(notFound) : route.fallback()))
  const graces = await user(grace, context)
  const { page } = graces
  await graces.sees('Hello Grace')
  await context.setOffline(true)
  await graces.says('Never arrived')
  await graces.field.fill('Half a sentence')
  gone = true
  await context.setOffline(false)
  await expect(page.getByText(chat.gone)).toBeVisible()
  await expect(page.getByText('Never arrived')).toBeVisible()
  await expect(page.getByText('Half a sentence')).toBeVisible()
  await page.reload()
  await expect(page.getByText('Never arrived')).toBeVisible()
  await expect(page.getByText('Half a sentence')).toBeVisible()
  for (const text of ['Half a sentence', 'Never arrived']) {
    await page.getByRole('button', { name: chat.delete }).last().click()
    await expect(page.getByText(text)).toHaveCount(0)
  }
})

test('what was queued when the session ended goes when the same person signs in again', async ({ user, server }) => {
  const graces = await user()
  await graces.sees('Hello Grace')
  await graces.page.context().setOffline(true)
  await graces.says('Queued before the end')
  await graces.field.fill('Not finished')
  server.command(['user', 'disable', '--phone', grace.phone])
  server.command(['user', 'enable', '--phone', grace.phone])
  await graces.page.context().setOffline(false)
  await expect(graces.page.getByText(common.banner_signed_out)).toBeVisible()
  await graces.page.getByRole('button', { name: common.sign_in }).click()
  await graces.fillSignIn()
  await graces.ticks('Queued before the end', 'sent')
  await expect(graces.field).toHaveValue('Not finished')
  expect((await history(server, room_id)).map((it) => it.message)).toEqual([
    'Hello',
    'Hello Grace',
    'Queued before the end',
  ])
})

test('signing out asks before it takes a draft away', async ({ user }) => {
  const graces = await user()
  await graces.field.fill('Not finished')
  await graces.signsOut()
  const question = graces.page.getByRole('dialog', { name: common.unsent_title })
  await question.getByRole('button', { name: common.unsent_stay }).click()
  await expect(graces.field).toHaveValue('Not finished')
  await graces.signsOut()
  await question.getByRole('button', { name: common.sign_out }).click()
  await graces.seesSignIn()
  await graces.signIn()
  await expect(graces.field).toHaveValue('')
})
