/** What is written without a network stays, is shown as waiting, and arrives once. */
import { common } from '../ui/src/messages/en'
import { ada, conversation, grace } from './support/cast'
import { UserPage } from './support/people'
import { everybody, expect, test } from './support/test'

test.use({
  world: {
    records: [
      ...everybody,
      ...conversation(7, grace, [
        [grace, 'Hello'],
        [ada, 'Hello Grace'],
      ]),
    ],
    complaints: [/ERR_|WebSocket/],
  },
})

test('without a network the page says so, and sends when it is back', { tag: '@phone' }, async ({ user, admin }) => {
  const [graces, adas] = [await user(), await admin()]
  await adas.opens(grace)
  await graces.page.context().setOffline(true)
  await expect(graces.page.getByText(common.offline, { exact: true })).toBeVisible()
  await graces.says('Written in a tunnel')
  await expect(graces.page.getByText(common.offline_waiting(1))).toBeVisible()
  await graces.ticks('Written in a tunnel', 'queued')
  await adas.says('Where are you?')
  await graces.page.context().setOffline(false)
  await graces.sees('Where are you?')
  await adas.sees('Written in a tunnel')
  await graces.ticks('Written in a tunnel', 'read')
  await expect(graces.page.getByText(common.offline, { exact: true })).toBeHidden()
})

test('a reload keeps what was not sent', async ({ user, admin }) => {
  const graces = await user()
  await graces.sees('Hello Grace')
  const { page } = graces
  await page.routeWebSocket(/\/ws\//, (socket) => void socket.close())
  await page.context().setOffline(true)
  await graces.says('Kept over a reload')
  await graces.ticks('Kept over a reload', 'queued')
  await page.context().setOffline(false)
  await page.reload()
  await graces.sees('Kept over a reload')
  await graces.ticks('Kept over a reload', 'queued')

  // A new tab has its way to the server.
  const next = new UserPage(await page.context().newPage(), grace)
  await page.close()
  await next.open()
  await next.sees('Kept over a reload')
  await next.ticks('Kept over a reload', 'sent')
  const adas = await admin()
  await adas.opens(grace)
  await adas.sees('Kept over a reload')
})

test('a draft survives a reload', async ({ user, admin }) => {
  const [graces, adas] = [await user(), await admin()]
  await adas.opens(grace)
  for (const person of [graces, adas]) {
    await person.field.fill('Not finished yet')
    await person.page.reload()
    await expect(person.field).toHaveValue('Not finished yet')
  }
})

test('leaving with unsent messages asks first', async ({ user }) => {
  const graces = await user()
  await graces.page.context().setOffline(true)
  await graces.says('Still on its way')
  await graces.signsOut()
  const question = graces.page.getByRole('dialog', { name: common.unsent_title })
  await expect(question).toBeVisible()
  await question.getByRole('button', { name: common.unsent_stay }).click()
  await expect(question).toBeHidden()
  await graces.page.context().setOffline(false)
  await graces.ticks('Still on its way', 'sent')
})
